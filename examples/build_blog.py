"""Make the example blog a real Git repository, by replaying its history commit by commit.

From the repository's root: `python examples/build_blog.py FOLDER` for all of it, with `--until -2` for all
but the last two commits.
"""

from __future__ import annotations

import argparse
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import tomli

from tonewright.errors import UsageError
from tonewright.process import run

BLOG = Path(__file__).resolve().parent / "blog"
AUTHOR = "Ines Carrow"
EMAIL = "ines@example.org"
# Set in the built repository, so that commits made there by hand or by a demo work on any machine, and so
# that the bytes (and with them every commit id) are the same everywhere.
SETTINGS = {"user.name": AUTHOR, "user.email": EMAIL, "commit.gpgsign": "false", "core.autocrlf": "false"}


def commits() -> list[dict[str, Any]]:
    """The history, oldest first, as `history.toml` tells it."""
    history = tomli.loads((BLOG / "history.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = history["commit"]
    return found


def build(destination: Path, *, until: int | None = None) -> Path:
    """Create the blog's repository in `destination`, on branch main, and return that folder.

    `until` counts as in a slice: 5 stops after five commits, -2 leaves the last two undone, None makes all.
    Raises `UsageError` when the folder exists and is not empty, `Missing` without git.
    """
    if destination.exists() and any(destination.iterdir()):
        raise UsageError(f"{destination} is not empty", "name a new folder for the example blog")
    destination.mkdir(parents=True, exist_ok=True)
    run(["git", "init", "--quiet", "--initial-branch=main"], cwd=destination)
    for key, value in SETTINGS.items():
        run(["git", "config", key, value], cwd=destination)
    replay(destination, 0, until)
    return destination


def replay(destination: Path, start: int, stop: int | None) -> None:
    """Make the commits `history[start:stop]` in a repository that `build` made; its hooks run."""
    for commit in commits()[start:stop]:
        _commit(destination, commit)


def _commit(destination: Path, commit: dict[str, Any]) -> None:
    for path, version in commit.get("files", {}).items():
        target = destination / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(BLOG / (path if version == "self" else version), target)
        run(["git", "add", "--force", "--", path], cwd=destination)
    for path in commit.get("remove", []):
        run(["git", "rm", "--quiet", "--", path], cwd=destination)
    date: datetime = commit["date"]
    who = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", AUTHOR), ("EMAIL", EMAIL), ("DATE", date.isoformat()))
    }
    run(["git", "commit", "--quiet", "--message", commit["message"].strip()], cwd=destination, env=who)


def main() -> None:
    """Build the blog where the command line says."""
    parser = argparse.ArgumentParser(description="Make the example blog a real Git repository.")
    parser.add_argument("destination", type=Path)
    parser.add_argument("--until", type=int, default=None, help="as in a slice: -2 leaves the last two commits out")
    arguments = parser.parse_args()
    print(build(arguments.destination, until=arguments.until))


if __name__ == "__main__":
    main()
