"""Imports point one way, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "peft", "bitsandbytes", "llama_cpp", "openai", "fabric", "numpy", "av")

# A package may import itself and what stands to its right.
LAYERS = {
    "tonewright": (),
    "tasks": ("tonewright",),
    "hooks": ("tasks", "tonewright"),
    "watchers": ("hooks", "tasks", "tonewright"),
}


def imported(file: Path) -> set[str]:
    """Every module that a file names in an import, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", LAYERS)
def test_layers(package: str) -> None:
    """Only tonewright/cli may look up at hooks, watchers and tasks, and nothing imports the command line."""
    for file in (ROOT / package).rglob("*.py"):
        is_cli = file.is_relative_to(ROOT / "tonewright" / "cli")
        for module in imported(file):
            top = module.partition(".")[0]
            if top in LAYERS and top != package and not is_cli:
                assert top in LAYERS[package], f"{file} imports {module}"
            if module.startswith("tonewright.cli") and not is_cli:
                assert file == ROOT / "tonewright" / "__main__.py", f"{file} imports {module}"


def test_errors_and_events_stand_alone() -> None:
    """The lowest layer imports nothing of ours."""
    for name in ("errors.py", "events.py"):
        ours = {m for m in imported(ROOT / "tonewright" / name) if m.partition(".")[0] in LAYERS}
        assert ours == set()


@pytest.mark.parametrize(
    "statement",
    [
        "import hooks.install, hooks.commits, hooks.pushes",
        "import watchers.loop",
        "import tasks.consumer",
        "import tonewright.cli.status, tonewright.cli.log, tonewright.cli.up, tonewright.cli.init",
        "from tonewright.cli.main import main; main(['status'])",
    ],
)
def test_nothing_heavy_at_import(statement: str) -> None:
    """A hook, a watcher, a worker and the command line start without the big libraries."""
    code = f"import sys\n{statement}\nprint(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1:] in ([], [""]), done.stdout


def test_one_place_starts_processes() -> None:
    """Only process.py, and the two files that stand alone on the machine that trains, import subprocess."""
    allowed = {ROOT / "tonewright" / name for name in ("process.py", "remote/far.py", "remote/job.py")}
    for package in LAYERS:
        for file in (ROOT / package).rglob("*.py"):
            starts = "subprocess" in imported(file) and "TYPE_CHECKING" not in file.read_text(encoding="utf-8")
            assert not starts or file in allowed, file


def test_one_place_reaches_hosted_models() -> None:
    """Only tonewright/hosted/client.py imports openai: what it does not send, nothing sends."""
    for package in LAYERS:
        for file in (ROOT / package).rglob("*.py"):
            reaches = any(module.partition(".")[0] == "openai" for module in imported(file))
            assert not reaches or file == ROOT / "tonewright/hosted/client.py", file
