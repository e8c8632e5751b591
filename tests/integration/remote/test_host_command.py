"""`tonewright host` and `doctor` against a real sshd: the sentences and exit codes that an author sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tests.integration.remote.conftest import LAPTOP, Sshd
from tonewright.remote.host import HostSettings

pytestmark = pytest.mark.sshd

OWN = """# Mine, for every blog.
[watch]
rescan_seconds = 30  # often

# The old tower.
[hosts.tower]
address = "tower.local"
"""


@pytest.fixture
def ready(blog: Blog, stranger: HostSettings) -> Blog:
    """A blog whose configuration names the machine behind sshd."""
    blog.settings(QUIET + LAPTOP.format(stranger))
    blog.write("_posts/.keep", "")
    blog.commit()
    return blog


@pytest.fixture
def own_file(home: Path) -> Path:
    """The author's own settings, written by hand."""
    file = home / ".config" / "tonewright" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(OWN, encoding="utf-8")
    return file


def test_a_host_is_trusted_once_and_then_strictly(ready: Blog, sshd: Sshd) -> None:
    """Unknown: refused with the remedy. Trusted: answers. Changed key: refused again. Gone: try later."""
    unknown = ready.tonewright("host", "check", "laptop")
    assert unknown.code == 1
    assert "tonewright host add laptop" in unknown.err
    assert ready.tonewright("host", "add", "laptop").code == 1  # nobody said yes
    assert ready.tonewright("host", "add", "laptop", "--yes", "SHA256:another").code == 1
    trusted = ready.tonewright("host", "add", "laptop", "--yes", sshd.fingerprint)
    assert trusted.code == 0
    assert sshd.fingerprint in trusted.out
    assert ready.tonewright("host", "check", "laptop").code == 0
    sshd.new_host_key()
    changed = ready.tonewright("host", "check", "laptop")
    assert changed.code == 1
    assert "Traceback" not in changed.err
    sshd.stop()
    gone = ready.tonewright("host", "check", "laptop")
    assert gone.code == 75
    assert gone.err.count("\n") == 1
    sshd.start()


def test_a_new_host_is_written_into_the_authors_file(
    blog: Blog, stranger: HostSettings, sshd: Sshd, own_file: Path
) -> None:
    """`add` writes it under the author's own words only once it is trusted; `remove` leaves the file as it was."""
    blog.settings()
    new = ["host", "add", "laptop", f"{stranger.user}@127.0.0.1:{sshd.port}", "--identity", str(stranger.identity)]
    assert blog.tonewright(*new).code == 1
    assert own_file.read_text() == OWN
    added = blog.tonewright(*new, "--yes", sshd.fingerprint)
    assert added.code == 0, added.err
    assert own_file.read_text().startswith(OWN + '\n[hosts.laptop]\naddress = "127.0.0.1"\n')
    listed = json.loads(blog.tonewright("host", "list", "--json").out)
    assert (listed["order"], set(listed["hosts"])) == (["local"], {"laptop", "tower"})
    assert "127.0.0.1" in blog.tonewright("host", "list").out
    assert json.loads(blog.tonewright("host", "check", "laptop", "--json").out)["name"] == "laptop"
    elsewhere = blog.tonewright("host", "add", "laptop", "gpu.local")
    assert (elsewhere.code, "host remove laptop" in elsewhere.err) == (2, True)
    assert blog.tonewright("host", "remove", "laptop").code == 0
    assert own_file.read_text() == OWN
    assert str(sshd.port) not in own_file.with_name("known_hosts").read_text()
    assert blog.tonewright("host", "remove", "laptop").code == 78


@pytest.mark.parametrize(
    "name, address", [("local", "gpu"), ("a b", "gpu"), ("gpu", "-oProxyCommand=x"), ("gpu", "a:b")]
)
def test_names_and_addresses_that_are_none(blog: Blog, name: str, address: str) -> None:
    """Nothing is contacted for what cannot be a host."""
    blog.settings()
    assert blog.tonewright("host", "add", "--", name, address).code == 2


def test_doctor_names_the_host(ready: Blog) -> None:
    """The link to the host is looked at too, and a name that nobody configured is a configuration error."""
    ready.tonewright("init")
    assert "host add laptop" in ready.tonewright("doctor", "--host", "laptop").out
    assert ready.tonewright("host", "check", "desktop").code == 78
