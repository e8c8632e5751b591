"""Putting the doorbell beside whatever hooks there are, and taking it away without a trace."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hooks.doorbell import HOOKS, line, script
from hooks.places import Change, put, take_away
from tonewright.process import run
from tonewright.repository import Repository


def hooks_folder(repository: Repository) -> Path:
    """The folder that Git looks in for this repository: worktrees, submodules and `core.hooksPath` included."""
    return hooks_folder_of(repository.top)


def hooks_folder_of(place: Path) -> Path:
    """The same for a work tree or a bare repository at `place`."""
    shown = run(["git", "rev-parse", "--git-path", "hooks"], cwd=place).stdout.strip()
    return (place / shown).absolute()


def is_shared(repository: Repository, folder: Path) -> bool:
    """Whether `folder` serves other repositories too; then it is not ours to write into."""
    inside = (repository.git_dir.resolve(), repository.top.resolve())
    return not any(folder.resolve().is_relative_to(parent) for parent in inside)


def install(repository: Repository, spool: Path, *, dry_run: bool = False) -> list[Change]:
    """Write the five hooks; an earlier hook is moved aside and run by ours. Running it again changes nothing."""
    folder = hooks_folder(repository)
    if is_shared(repository, folder):
        why = "core.hooksPath serves other repositories too); add this line yourself"
        return [Change(f"left alone ({why}: {line(spool)}", folder)]
    if folder.parts[-2:] == (".husky", "_"):
        why = f"husky writes it anew); add this line to {folder.parent / HOOKS[0]} yourself"
        return [Change(f"left alone ({why}: {line(spool)}", folder)]
    changes = [put(folder / name, partial(script, name, spool), dry_run=dry_run) for name in HOOKS]
    return [change for change in changes if change is not None]


def uninstall(repository: Repository, *, dry_run: bool = False) -> list[Change]:
    """Take the hooks away and put earlier ones back, byte for byte; a hook changed since is left and named."""
    folder = hooks_folder(repository)
    return [change for name in HOOKS for change in take_away(folder / name, dry_run=dry_run)]
