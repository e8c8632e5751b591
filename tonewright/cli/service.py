"""`tonewright service`: keep `tonewright up` running with systemd or launchd, or stop doing so."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path

from tonewright.cli import show
from tonewright.errors import TonewrightError
from tonewright.process import run as run_process
from tonewright.service import Manager, Service, manager, service_of
from tonewright.workspace import Workspace, open_workspace

MADE = "service.json"  # in the state folder: the folders that `install` had to make, for `uninstall` to take away


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["install", "uninstall", "status"])
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 also where the service manager cannot be asked: the file is in place, and the rest is printed."""
    workspace = open_workspace()
    service, chosen = service_of(workspace), manager()
    if args.action == "status":
        return _status(service, chosen, args.json)
    act = _install if args.action == "install" else _uninstall
    done, to_type = act(workspace, service, chosen, args.dry_run)
    if args.json:
        show.as_json({"file": str(chosen.file(service)), "done": done, "to_type": to_type, "dry_run": args.dry_run})
        return 0
    show.table([(f"would have: {a}" if args.dry_run else a, what) for a, what in done], indent="")
    if args.dry_run and args.action == "install":
        print(chosen.content(service).decode(), end="")
    for line in to_type:
        print(line)
    return 0


Report = tuple[list[tuple[str, str]], list[str]]  # what was done, and what is left to the author


def _install(workspace: Workspace, service: Service, chosen: Manager, dry_run: bool) -> Report:
    file, content = chosen.file(service), chosen.content(service)
    before = file.read_bytes() if file.exists() else None
    action = "wrote" if before is None else "updated" if before != content else "in place already"
    done = [(action, str(file))]
    if not dry_run and before != content:
        _write(workspace, file, content)
    obstacle = chosen.why_unusable()
    commands = chosen.starting(service)
    if obstacle:
        return done, [obstacle, "then type: " + _line(commands)]
    if before == content and chosen.is_running(service):
        return done, []
    if before is not None and not dry_run:
        _run_all(chosen.stopping(service), check=False)  # what is loaded may have the old file
    return [*done, *_run(commands, "ran", dry_run)], []


def _uninstall(workspace: Workspace, service: Service, chosen: Manager, dry_run: bool) -> Report:
    file = chosen.file(service)
    if not file.exists():
        return [("nothing was installed", "")], []
    done, left = [], []
    obstacle = chosen.why_unusable()
    if obstacle:
        left = [f"if it still runs, it ends with your session ({obstacle})"]
    else:
        done = _run(chosen.stopping(service), "ran", dry_run)
    for path in [*chosen.links(service), file]:
        if path.is_symlink() or path.exists():
            done.append(("removed", str(path)))
            if not dry_run:
                path.unlink()
    if not dry_run:
        _unmake(workspace)
    return done, left


def _status(service: Service, chosen: Manager, as_json: bool) -> int:
    file = chosen.file(service)
    obstacle = chosen.why_unusable()
    record = {
        "file": str(file),
        "installed": file.exists(),
        "up_to_date": file.exists() and file.read_bytes() == chosen.content(service),
        "enabled": chosen.is_enabled(service),
        "running": None if obstacle else chosen.is_running(service),
        "log": shlex.join(chosen.reading(service)),
        "obstacle": obstacle,
    }
    if as_json:
        show.as_json(record)
        return 0
    words = {True: "yes", False: "no", None: f"not known: {obstacle}"}
    stale = "" if record["up_to_date"] or not file.exists() else "; `tonewright service install` brings it up to date"
    show.table(
        [
            ("installed", f"{file}{stale}" if file.exists() else "no: `tonewright service install`"),
            ("enabled", words[chosen.is_enabled(service)]),
            ("running", words[record["running"]]),  # type: ignore[index]
            ("last words", record["log"]),
        ],
        indent="",
    )
    return 0


def _run(commands: list[list[str]], action: str, dry_run: bool) -> list[tuple[str, str]]:
    if not dry_run:
        _run_all(commands, check=True)
    return [(action, shlex.join(command)) for command in commands]


def _run_all(commands: list[list[str]], *, check: bool) -> None:
    for command in commands:
        run_process(command, timeout=120, check=check)


def _line(commands: list[list[str]]) -> str:
    return " && ".join(shlex.join(command) for command in commands)


def _write(workspace: Workspace, file: Path, content: bytes) -> None:
    """Write `file` aside and rename it, and remember which folders had to be made for it."""
    missing = [str(folder) for folder in file.parents if not folder.exists()]
    note = workspace.folder() / MADE
    if missing:
        note.write_text(json.dumps(missing), encoding="utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.part")
        aside.write_bytes(content)
        aside.replace(file)
    except OSError as e:
        raise TonewrightError(f"{file} could not be written ({e.strerror})", "make that folder yours to write") from e


def _unmake(workspace: Workspace) -> None:
    """Take away the folders that were made for the file, where nothing else has come into them."""
    note = workspace.folder() / MADE
    made = json.loads(note.read_text(encoding="utf-8")) if note.exists() else []
    for name in made:  # innermost first
        folder = Path(name)
        for child in (folder / "default.target.wants", folder):
            if child.is_dir() and not any(child.iterdir()):
                child.rmdir()
    note.unlink(missing_ok=True)
