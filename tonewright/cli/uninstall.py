"""`tonewright uninstall`: the repository as it was before `init`, to the byte."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path

from tonewright.cli import show
from tonewright.cli.init import BARES, WRITTEN
from tonewright.config.load import FILE_NAME
from tonewright.errors import TonewrightError, UsageError
from tonewright.process import run as run_process
from tonewright.repository import Repository
from tonewright.service import manager, service_of
from tonewright.workspace import open_workspace, state_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--purge", action="store_true", help="delete the ledger, the corpus and the models too")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def run(args: argparse.Namespace) -> int:
    """Takes away the hooks and, if nobody edited or committed it, tonewright.toml. What was learned stays
    in the state folder unless `--purge` asks otherwise."""
    from hooks import receive
    from hooks.install import uninstall

    repository = Repository(Path.cwd())
    _refuse_service(repository.top)
    state = state_folder(repository.top)
    changes = uninstall(repository, dry_run=args.dry_run)
    for bare in _bares(state):
        changes += receive.uninstall(bare, dry_run=args.dry_run)
    if not args.dry_run:
        (state / BARES).unlink(missing_ok=True)
    done = [(change.action, str(change.path)) for change in changes]
    file = repository.top / FILE_NAME
    if file.exists():
        done.append((_remove_settings(file, state, dry_run=args.dry_run), str(file)))
    if args.purge and state.is_dir():
        done.append(("deleted the ledger, the corpus and the models", str(state)))
        if not args.dry_run:
            shutil.rmtree(state)
    elif state.is_dir():
        done.append(("kept what was learned (--purge deletes it)", str(state)))
    would = "would have: " if args.dry_run else ""
    show.table([(f"{would}{action}", path) for action, path in done] or [("nothing was installed", "")], indent="")
    return 0


def _refuse_service(root: Path) -> None:
    """A service that outlives the settings would fail at every login, and could not be found by its blog any more."""
    try:
        installed = manager().file(service_of(open_workspace(root)))
    except TonewrightError:  # settings that cannot be read, or none
        return
    if installed.exists():
        raise UsageError(f"{installed} still keeps tonewright running", "`tonewright service uninstall` comes first")


def _bares(state: Path) -> list[Path]:
    """The bare repositories that `init --post-receive` was given."""
    file = state / BARES
    return [Path(name) for name in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _remove_settings(file: Path, state: Path, *, dry_run: bool) -> str:
    """Delete the file if it is as `init` wrote it, move an edited one into the state folder, leave a tracked one."""
    if run_process(["git", "ls-files", "--error-unmatch", file.name], cwd=file.parent, check=False).returncode == 0:
        return "left alone: you committed it (git rm takes it away)"
    note = state / WRITTEN
    ours = note.read_text(encoding="utf-8") if note.exists() else ""
    if hashlib.sha256(file.read_bytes()).hexdigest() == ours:
        if not dry_run:
            file.unlink()
        return "removed the settings"
    kept = state / f"{FILE_NAME}.kept"
    if not dry_run:
        shutil.copy2(file, kept)
        file.unlink()
    return f"removed the settings; your edits are in {kept}"
