"""`tonewright host` and `doctor` against a real sshd: the sentences and exit codes that an author sees."""

from __future__ import annotations

import pytest

from tests.conftest import QUIET, Blog
from tests.integration.remote.conftest import LAPTOP, Sshd
from tonewright.remote.host import HostSettings

pytestmark = pytest.mark.sshd


@pytest.fixture
def ready(blog: Blog, stranger: HostSettings) -> Blog:
    """A blog whose configuration names the machine behind sshd."""
    blog.settings(QUIET + LAPTOP.format(stranger))
    blog.write("_posts/.keep", "")
    blog.commit()
    return blog


def test_a_host_is_trusted_once_and_then_strictly(ready: Blog, sshd: Sshd) -> None:
    """Unknown: refused with the remedy. Trusted: answers. Changed key: refused again. Gone: try later."""
    unknown = ready.tonewright("host", "check", "laptop")
    assert unknown.code == 1
    assert "tonewright host trust" in unknown.err
    assert ready.tonewright("host", "trust", "laptop").code == 1  # nobody said yes
    trusted = ready.tonewright("host", "trust", "laptop", "--yes")
    assert trusted.code == 0
    assert "SHA256:" in trusted.out
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


def test_doctor_names_the_host(ready: Blog) -> None:
    """The link to the host is looked at too, and a name that nobody configured is a configuration error."""
    ready.tonewright("init")
    assert "host trust laptop" in ready.tonewright("doctor", "--host", "laptop").out
    assert ready.tonewright("host", "check", "desktop").code == 78
