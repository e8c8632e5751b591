"""`tonewright service`: what is written reads back as what was meant, and goes away without a trace."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tonewright.service import Launchd, Service, Systemd, service_of
from tonewright.workspace import open_workspace

PLACES = ["blog", "my blog", "100% mine", 'a "quoted" one', "back\\slash", "it's $HOME", "café"]


def unit(text: str) -> dict[str, dict[str, list[str]]]:
    """{section: {key: values}} of a unit file, by the rules of systemd.syntax(7)."""
    sections: dict[str, dict[str, list[str]]] = {}
    for line in text.splitlines():
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        else:
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value.replace("%%", "%"))
            assert "%" not in value.replace("%%", ""), f"{line} has a specifier"
    return sections


def words(line: str) -> list[str]:
    """The words of an ExecStart or Environment line, unquoted as systemd does."""
    found, word, quoted, rest = [], "", False, iter(line)
    for letter in rest:
        if letter == "\\":
            word += next(rest)
        elif letter == '"':
            quoted = not quoted
        elif letter == " " and not quoted:
            found.append(word)
            word = ""
        else:
            word += letter
    assert not quoted
    return [*found, word]


def service(root: Path, python: str = sys.executable) -> Service:
    return Service(
        "blog-12345678", root, [python, "-m", "tonewright", "up"], root / "up.log", {"TONEWRIGHT_STATE": "/s"}
    )


@pytest.mark.parametrize("name", PLACES)
def test_the_unit_says_what_was_meant(tmp_path: Path, name: str) -> None:
    """Program, folder and environment come out of systemd's quoting as they went in, blanks and percent signs too."""
    python = f"{tmp_path}/{name}/bin/python"
    read = unit(Systemd().content(service(tmp_path / name, python)).decode())
    start = words(read["Service"]["ExecStart"][0])
    assert [start[0], *(w.replace("$$", "$") for w in start[1:])] == [python, "-m", "tonewright", "up"]
    assert read["Service"]["WorkingDirectory"] == [str(tmp_path / name)]
    assert [words(line) for line in read["Service"]["Environment"]] == [["TONEWRIGHT_STATE=/s"]]
    assert read["Service"]["KillSignal"] == ["SIGTERM"]
    assert read["Install"]["WantedBy"] == ["default.target"]


@pytest.mark.parametrize("name", PLACES)
def test_systemd_itself_finds_no_fault(tmp_path: Path, name: str) -> None:
    """`systemd-analyze verify` reads the unit, finds the program and complains of nothing."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    root = tmp_path / name
    root.mkdir()
    home = tmp_path / name.translate(str.maketrans("", "", "\"'\\"))  # a program's path may not hold those
    home.mkdir(exist_ok=True)
    python = home / "python"
    python.symlink_to(sys.executable)
    file = tmp_path / "tonewright-test.service"
    file.write_bytes(Systemd().content(service(root, str(python))))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", str(file)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("name", PLACES)
def test_the_agent_says_what_was_meant(tmp_path: Path, name: str) -> None:
    """launchd's property list reads back with the same program, folder and environment."""
    read = plistlib.loads(Launchd().content(service(tmp_path / name)))
    assert read["ProgramArguments"] == [sys.executable, "-m", "tonewright", "up"]
    assert read["WorkingDirectory"] == str(tmp_path / name)
    assert read["EnvironmentVariables"]["TONEWRIGHT_STATE"] == "/s"
    assert read["KeepAlive"] == {"SuccessfulExit": False}


def snapshot(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


@pytest.fixture
def installed(blog: Blog, home: Path) -> Iterator[Path]:
    """The unit of a blog, installed; only where the user's systemd does not answer, which is then left alone."""
    if sys.platform != "linux":
        pytest.skip("systemd is Linux's")
    if not Systemd().why_unusable():
        pytest.skip("the user's systemd runs here; the test below starts the service")
    blog.settings()
    assert blog.tonewright("service", "install").code == 0
    yield Systemd().file(service_of(open_workspace(blog.root)))


def test_install_writes_one_file_and_says_the_rest(blog: Blog, home: Path, installed: Path) -> None:
    """Without a systemd to talk to, the file is in place and the command to type is printed; again, nothing changes."""
    assert installed.is_relative_to(home)
    read = unit(installed.read_text())
    assert words(read["Service"]["ExecStart"][0]) == [sys.executable, "-m", "tonewright", "up"]
    before = installed.read_bytes()
    again = blog.tonewright("service", "install")
    assert "in place already" in again.out
    assert f"systemctl --user enable --now {installed.name}" in again.out
    assert installed.read_bytes() == before
    told = json.loads(blog.tonewright("service", "status", "--json").out)
    assert (told["installed"], told["up_to_date"], told["enabled"], told["running"]) == (True, True, False, None)
    assert told["log"] == f"journalctl --user -n 50 -u {installed.name}"


def test_uninstall_leaves_no_trace(blog: Blog, home: Path) -> None:
    """File, link and the folders that were made for them go; a folder with somebody else's unit stays."""
    if not Systemd().why_unusable():
        pytest.skip("the user's systemd runs here; the test below starts the service")
    blog.settings()
    before = snapshot(home)
    assert blog.tonewright("service", "install", "--dry-run").code == 0
    assert snapshot(home) == before
    blog.tonewright("service", "install")
    file = Systemd().file(service_of(open_workspace(blog.root)))
    wants = file.parent / "default.target.wants"
    wants.mkdir()
    (wants / file.name).symlink_to(file)  # as `systemctl --user enable` leaves it
    assert json.loads(blog.tonewright("service", "status", "--json").out)["enabled"] is True
    assert blog.tonewright("service", "uninstall", "--dry-run").code == 0
    assert file.exists()
    assert blog.tonewright("service", "uninstall").code == 0
    assert snapshot(home) == before
    assert "nothing was installed" in blog.tonewright("service", "uninstall").out
    blog.tonewright("service", "install")
    other = file.parent / "other.service"
    other.write_text("[Service]\nExecStart=/bin/true\n")
    blog.tonewright("service", "uninstall")
    assert (other.exists(), file.exists()) == (True, False)


def test_the_environment_goes_along_only_where_it_decides(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service does not see what a shell sets; where state was moved, it finds it all the same."""
    blog.settings()
    assert service_of(blog.workspace()).environment.keys() == {"TONEWRIGHT_STATE", "TONEWRIGHT_CACHE"}
    monkeypatch.delenv("TONEWRIGHT_STATE")
    monkeypatch.delenv("TONEWRIGHT_CACHE")
    assert service_of(blog.workspace()).environment == {}


def test_a_folder_with_a_line_break_is_refused(blog: Blog, tmp_path: Path) -> None:
    """What no unit file can hold is refused with a sentence."""
    odd = Blog(tmp_path / "line\nbreak")
    odd.root.mkdir()
    odd.settings()
    refused = odd.tonewright("service", "install")
    assert refused.code == 1
    assert "line break" in refused.err


# A systemd for this test alone, in name spaces of its own: it ends, with all that it started, when the shell does.
PRIVATE_SYSTEMD = """
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" || exit 77
for systemd in /usr/lib/systemd/systemd /lib/systemd/systemd; do [ -x $systemd ] && break; done
$systemd --user >/dev/null 2>&1 &
for _ in 1 2 3 4 5 6 7 8 9 10; do
    systemctl --user show-environment >/dev/null 2>&1 && break
    sleep 0.5
done
systemctl --user show-environment >/dev/null 2>&1 || exit 77
"$@"
"""
APART = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
STORY = """
tonewright() { "$PYTHON" -m tonewright service "$@"; }
tonewright install >&2 && tonewright status --json >installed || exit 1
tonewright uninstall >&2 && tonewright status --json >gone
"""


def test_the_service_runs(tmp_path: Path) -> None:
    """A real systemd starts it in a folder with blanks and a percent sign, enabled; uninstalled, it is gone."""
    blog = Blog(tmp_path / "100% my blog")
    blog.root.mkdir()
    blog.git("init", "-q")
    blog.settings(QUIET)
    obstacle = Systemd().why_unusable() if sys.platform == "linux" else "no systemd on this system"
    apart = [*APART, "bash", "-c", PRIVATE_SYSTEMD, "bash"] if obstacle else []
    if obstacle and not all(map(shutil.which, ("unshare", "systemctl"))):
        pytest.skip(obstacle)
    done = subprocess.run(
        [*apart, "bash", "-c", STORY],
        cwd=blog.root,
        env={**os.environ, "PYTHON": sys.executable, **({"XDG_RUNTIME_DIR": "/run/user"} if obstacle else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if obstacle and not (blog.root / "installed").exists() and done.returncode in (1, 77):
        pytest.skip(f"{obstacle}, and one of its own needs more rights than this user has ({done.stderr.strip()})")
    assert done.returncode == 0, done.stderr
    told = json.loads((blog.root / "installed").read_text())
    assert (told["installed"], told["enabled"], told["running"]) == (True, True, True)
    told = json.loads((blog.root / "gone").read_text())
    assert (told["installed"], told["enabled"], told["running"]) == (False, False, False)


def test_uninstall_waits_for_the_service_to_go(blog: Blog) -> None:
    """Settings are not taken away under a service that would then fail at every login."""
    blog.settings(QUIET)
    assert blog.tonewright("service", "install").code == 0
    refused = blog.tonewright("uninstall")
    assert refused.code == 2
    assert "`tonewright service uninstall` comes first" in refused.err
    assert (blog.root / "tonewright.toml").exists()
    assert blog.tonewright("service", "uninstall").code == 0
    assert blog.tonewright("uninstall").code == 0
    assert not (blog.root / "tonewright.toml").exists()
