"""What can be said about remote runs without a host."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import tomli

import tonewright
from tonewright.errors import BadInput
from tonewright.remote.courier import pack_code, poll, ship
from tonewright.remote.far import sha256_of
from tonewright.remote.host import HostSettings, open_host
from tonewright.remote.waiting import Pulse, Silent, bounded

PACKAGE = Path(tonewright.__file__).parent
FOLDERS = [PACKAGE, *(PACKAGE.parent / name for name in ("hooks", "watchers", "tasks"))]


def test_one_module_makes_connections() -> None:
    """Nothing but remote/ssh.py makes an SSH connection, so nothing escapes its host keys."""
    makers = set()
    for path in (p for folder in FOLDERS for p in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in {"Connection", "SSHClient", "Transport", "AutoAddPolicy"}:
                    makers.add(path.relative_to(PACKAGE).as_posix())
    assert makers == {"remote/ssh.py"}


@pytest.mark.parametrize("name", ["far.py", "job.py"])
def test_what_is_sent_needs_python_3_8_only(name: str) -> None:
    """The two files that run on a host parse as Python 3.8 and import nothing but its standard library."""
    tree = ast.parse((PACKAGE / "remote" / name).read_text(encoding="utf-8"), feature_version=(3, 8))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    modules |= {str(n.module) for n in nodes if isinstance(n, ast.ImportFrom)}
    # torch is what `probe` asks after.
    assert {m for m in modules if m.partition(".")[0] not in sys.stdlib_module_names} <= {"torch"}


def test_text_of_far_survives_every_shell() -> None:
    """The text that travels in a command holds nothing that some shell reads differently between quotes."""
    text = (PACKAGE / "remote" / "far.py").read_text(encoding="utf-8")
    assert text.isascii()
    assert not set(text) & set("\\\t!")


def test_code_is_packed_the_same_each_time(tmp_path: Path) -> None:
    """The same sources give the same hash, whatever their dates; a changed source changes it."""
    package = tmp_path / "tonewright"
    (package / "training").mkdir(parents=True)
    for name in ("__init__.py", "training/recipe.toml", "training/seeds.jsonl", "training/skip.md"):
        (package / name).write_text(name, encoding="utf-8")
    path, before = pack_code(tmp_path, package)
    assert zipfile.ZipFile(path).namelist() == [
        "tonewright/__init__.py",
        "tonewright/training/recipe.toml",
        "tonewright/training/seeds.jsonl",
    ]
    (package / "__init__.py").touch()
    assert pack_code(tmp_path, package) == (path, before)
    (package / "__init__.py").write_text("changed", encoding="utf-8")
    assert pack_code(tmp_path, package)[1] != before


def test_our_own_code_runs_from_its_zip(tmp_path: Path) -> None:
    """The packed package can be imported where nothing else of ours is installed."""
    path, sha256 = pack_code(tmp_path)
    assert sha256 == sha256_of(path)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "code")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import tonewright; print(tonewright.__file__)"
    words = [sys.executable, "-I", "-c", code, str(tmp_path / "code")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))


def test_asking_for_a_host_loads_no_ssh() -> None:
    """Fabric and paramiko, which take a while to load, stay out until a host over SSH is really used."""
    code = "import sys, tonewright.remote.courier; print({'fabric', 'paramiko', 'invoke'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", "../a", "-a", "a b", "a\n", "ü"])
def test_run_names_stay_in_their_folder(run: str, tmp_path: Path) -> None:
    """A name that could lead out of the jobs folder, or be taken for an option, is refused."""
    settings = HostSettings(name="local", root=str(tmp_path), known_hosts=tmp_path / "known")
    with open_host(settings) as host, pytest.raises(BadInput):
        poll(host, run)


def test_incomplete_folder_is_not_shipped(tmp_path: Path) -> None:
    """A run without its spec or its code is refused, with the name of what is missing."""
    settings = HostSettings(name="local", root=str(tmp_path / "root"), known_hosts=tmp_path / "known")
    with open_host(settings) as host, pytest.raises(BadInput, match=r"spec\.json"):
        ship(host, tmp_path, "run", {})
    assert not (tmp_path / "root").exists()


def test_work_without_a_sign_of_life_is_left_behind() -> None:
    """Work that says nothing for too long ends in `Silent`; work that keeps beating may go on."""
    with pytest.raises(Silent):
        bounded(lambda _pulse: time.sleep(5), 0.2)

    def lively(pulse: Pulse) -> str:
        for done in range(1, 11):
            time.sleep(0.1)
            pulse.beat(done)
        return "done"

    told: list[int] = []
    assert bounded(lively, 0.5, told.append) == "done"
    assert told[-1] == 10


def test_errors_of_the_work_reach_the_caller() -> None:
    """What the work raises is what the caller sees."""
    with pytest.raises(ZeroDivisionError):
        bounded(lambda _pulse: 1 // 0, 1.0)


def test_what_a_host_gets_is_what_was_tested() -> None:
    """What `host provision` installs is pinned as in constraints.txt, and the train and trl extras are among it."""
    text = (PACKAGE / "remote" / "requirements.txt").read_text(encoding="utf-8")
    pinned = [line for line in text.splitlines() if not line.startswith("#")]
    assert set(pinned) <= set((PACKAGE.parent / "constraints.txt").read_text(encoding="utf-8").splitlines())
    project = tomli.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = {re.split(r"[<>=]", line)[0] for line in (*extras["train"], *extras["trl"])}
    assert {*needed, "tomli"} <= {line.partition("==")[0] for line in pinned}
