"""Which of several machines takes a run, and what becomes of those that sleep."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import NO_MODEL, REPOSITORY, Blog
from tests.integration.remote.conftest import LAPTOP, MakeRun, Sshd, wait_for
from tonewright.errors import ConfigError, TonewrightError, TryLater
from tonewright.hosts import choose, settings_for
from tonewright.remote import wake
from tonewright.remote.courier import start
from tonewright.remote.host import HostSettings, open_host
from tonewright.workspace import Workspace

CARD = "aa:bb:cc:dd:ee:ff"
TORCH = '__version__ = "{}"\nclass cuda:\n    is_available = staticmethod(lambda: False)\n'
TOWER = '[hosts.tower]\naddress = "127.0.0.1"\nport = 1\nwake = "{}@127.0.0.1:{}"\n'


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for PyTorch on this machine, whose version a test may change."""
    folder = tmp_path / "stand-in"
    folder.mkdir()
    (folder / "torch.py").write_text(TORCH.format("2.13.0"))
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{REPOSITORY}")
    return folder / "torch.py"


@pytest.fixture
def card() -> Iterator[socket.socket]:
    """What listens where a sleeping machine's network card would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.5)
        yield listener


def workspace(blog: Blog, hosts: list[str], text: str) -> Workspace:
    """The blog whose runs go to one of `hosts`."""
    blog.settings(f"{NO_MODEL}[training]\nhost = {hosts}\n{text}")
    return blog.workspace()


def heard(card: socket.socket) -> bytes:
    """The packet that came, or nothing."""
    try:
        return card.recv(1024)
    except TimeoutError:
        return b""


def test_a_magic_packet() -> None:
    """Six bytes 0xFF, then the address sixteen times, however it is written; anything else is a setting to mend."""
    packet = b"\xff" * 6 + bytes.fromhex("aabbccddeeff") * 16
    assert {wake.magic_packet(text) for text in (CARD, "AA-BB-CC-DD-EE-FF", "aabb.ccdd.eeff")} == {packet}
    for wrong in ("", "aa:bb", "gg:bb:cc:dd:ee:ff"):
        with pytest.raises(ConfigError, match="network card"):
            wake.send(wrong)
    with pytest.raises(ConfigError, match="no port"):
        wake.send(f"{CARD}@127.0.0.1:nine")


def test_a_sleeping_machine_means_later_and_is_woken(blog: Blog, card: socket.socket, torch: Path) -> None:
    """Alone it is woken and waited for; with another that is awake, that one takes the run and it may sleep on."""
    tower = TOWER.format(CARD, card.getsockname()[1])
    with pytest.raises(TryLater, match="host tower"):
        choose(workspace(blog, ["tower"], tower), "run")
    assert heard(card) == wake.magic_packet(CARD)
    assert choose(workspace(blog, ["tower", "local"], tower), "run") == "local"
    assert heard(card) == b""
    torch.write_text(TORCH.format("2.1.0"))
    with pytest.raises(TryLater, match=r"tower .* cannot be reached.*host local has PyTorch 2\.1\.0"):
        choose(workspace(blog, ["tower", "local"], tower), "run")
    with pytest.raises(TonewrightError, match=r"2\.6 or newer: pip install"):
        choose(workspace(blog, ["local"], ""), "run")


def test_a_list_names_known_machines(blog: Blog) -> None:
    """A name that [hosts] does not know is refused as ever, in a list too, and so is an empty list."""
    blog.settings(f'{NO_MODEL}[training]\nhost = ["local", "laptop"]\n')
    told = blog.tonewright("status")
    assert (told.code, "names 'laptop', which [hosts] does not" in told.err) == (78, True)
    blog.settings(f"{NO_MODEL}[training]\nhost = []\n")
    assert blog.tonewright("status").code == 78


@pytest.mark.sshd
def test_a_run_that_has_begun_stays_where_it_is(
    blog: Blog, sshd: Sshd, ssh_settings: HostSettings, make_run: MakeRun, torch: Path, home: Path
) -> None:
    """Whatever stands first in the list: another controller with the same run finds the machine that has it."""
    key = (sshd.folder / "host_key.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {key}")
    there = workspace(blog, ["local", "laptop"], LAPTOP.format(ssh_settings))
    assert choose(there, "run-1") == "local"
    run = make_run(steps=40)
    with open_host(settings_for(there, "laptop")) as laptop:
        run.ship(laptop)
        assert choose(there, "run-1") == "local"  # sent, and not begun
        start(laptop, "run-1")
        assert choose(there, "run-1") == "laptop"
        wait_for(laptop, "run-1", "finished")
    assert choose(there, "run-1") == "laptop"


@pytest.mark.sshd
def test_two_controllers_start_a_run_once(ssh_settings: HostSettings, make_run: MakeRun) -> None:
    """Eight controllers that ship and start the same run at the same moment have one trainer between them."""
    run = make_run(steps=10)
    gate = threading.Barrier(8)
    failures: list[BaseException] = []

    def control() -> None:
        try:
            with open_host(ssh_settings) as host:
                gate.wait(30)
                run.ship(host)
                start(host, run.name)
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=control) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_host(ssh_settings) as host:
        assert wait_for(host, run.name, "finished").rc == 0
    assert len(run.starts) == 1
