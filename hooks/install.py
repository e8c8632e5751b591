"""Putting the doorbell beside whatever hooks there are, and taking it away without a trace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hooks.doorbell import HOOKS, KEPT, is_ours, script
from tonewright.process import run
from tonewright.repository import Repository


@dataclass(frozen=True)
class Change:
    """One thing done (or, in a dry run, to be done) to one file."""

    action: str
    path: Path


def hooks_folder(repository: Repository) -> Path:
    """The folder that Git looks in for this repository, `core.hooksPath` included."""
    shown = run(["git", "rev-parse", "--git-path", "hooks"], cwd=repository.top).stdout.strip()
    return (repository.top / shown).absolute()


def is_shared(repository: Repository, folder: Path) -> bool:
    """Whether `folder` serves other repositories too; then it is not ours to write into."""
    inside = (repository.git_dir.resolve(), repository.top.resolve())
    return not any(folder.resolve().is_relative_to(parent) for parent in inside)


def install(repository: Repository, spool: Path, *, dry_run: bool = False) -> list[Change]:
    """Write the five hooks; an earlier hook is moved aside and run by ours. Running it again changes nothing."""
    folder = hooks_folder(repository)
    if is_shared(repository, folder):
        line = f"true >{spool / 'git'}"
        return [
            Change(
                f"left alone (core.hooksPath serves other repositories too); add this line yourself: {line}",
                folder,
            )
        ]
    changes = []
    for name in HOOKS:
        file = folder / name
        kept = folder / (name + KEPT)
        earlier = kept if kept.exists() or (file.exists() and not is_ours(file)) else None
        wanted = script(spool, earlier)
        if file.exists() and is_ours(file):
            if file.read_text(encoding="utf-8") == wanted:
                continue
            changes.append(Change("rewrote the hook", file))
        elif file.exists():
            changes.append(Change(f"moved your own hook to {kept.name} (it still runs)", file))
        else:
            changes.append(Change("added the hook", file))
        if not dry_run:
            _write(file, kept, wanted)
    return changes


def uninstall(repository: Repository, *, dry_run: bool = False) -> list[Change]:
    """Take the hooks away and put earlier ones back, byte for byte; a hook changed since is left and named."""
    folder = hooks_folder(repository)
    changes = []
    for name in HOOKS:
        file, kept = folder / name, folder / (name + KEPT)
        if file.exists() and not is_ours(file):
            if kept.exists():
                changes.append(Change(f"left alone: it is no longer ours; your earlier one is {kept.name}", file))
            continue
        if kept.exists():
            changes.append(Change("put your own hook back", file))
            if not dry_run:
                kept.replace(file)
        elif file.exists():
            changes.append(Change("removed the hook", file))
            if not dry_run:
                file.unlink()
    return changes


def _write(file: Path, kept: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and not is_ours(file):
        file.replace(kept)
    aside = file.with_name(file.name + ".tonewright-new")
    aside.write_text(text, encoding="utf-8")
    aside.chmod(0o755)
    aside.replace(file)
