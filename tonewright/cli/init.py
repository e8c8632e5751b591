"""`tonewright init`: writes tonewright.toml, puts the hooks in place, and says what it did."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from tonewright.cli import show
from tonewright.config.load import FILE_NAME
from tonewright.config.template import render
from tonewright.errors import UsageError
from tonewright.repository import Repository
from tonewright.workspace import make_private, state_folder

POST_FOLDERS = ("_posts", "content", "posts")
DRAFT_FOLDERS = ("_drafts",)
WRITTEN = "written.sha256"  # what `init` wrote, so that `uninstall` can tell whether it was edited since
BARES = "post-receive"  # the bare repositories that have a hook of ours, one path a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--notes", action="append", default=[], metavar="FOLDER", help="a folder for voice notes")
    parser.add_argument(
        "--post-receive", metavar="BARE", type=Path, help="your own bare repository, to tell of what arrives there"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 2 outside a Git repository, in a bare one and in a linked worktree. Run again, it changes nothing."""
    from hooks import receive
    from hooks.install import install

    repository = Repository(Path.cwd())
    if repository.main_worktree:  # its hooks are the main one's, and would ring for nobody there
        raise UsageError(
            f"{repository.top} is a linked worktree of {repository.main_worktree}",
            "run `tonewright init` there: commits in every worktree are seen from it",
        )
    root = repository.top
    state = state_folder(root)
    bare = receive.check_bare(args.post_receive) if args.post_receive else None
    done: list[tuple[str, str]] = []
    file = root / FILE_NAME
    if not file.exists():
        text = _settings(repository, args.notes)
        done.append(("wrote the settings", str(file)))
        if not args.dry_run:
            make_private(state)
            file.write_text(text, encoding="utf-8")
            (state / WRITTEN).write_text(hashlib.sha256(text.encode()).hexdigest(), encoding="utf-8")
    spool = state / "spool"
    if not args.dry_run:
        make_private(spool)
    done += [(change.action, str(change.path)) for change in install(repository, spool, dry_run=args.dry_run)]
    if bare is not None:
        done += [(change.action, str(change.path)) for change in receive.install(bare, spool, dry_run=args.dry_run)]
        if not args.dry_run:
            _remember(state / BARES, bare)
    _tell(args, done, repository)
    return 0


def _remember(file: Path, bare: Path) -> None:
    """Add a bare repository to the list that `uninstall` goes through."""
    known = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if str(bare) not in known:
        file.write_text("\n".join([*known, str(bare), ""]), encoding="utf-8")


def _settings(repository: Repository, notes: list[str]) -> str:
    """The text of tonewright.toml for what is in this repository."""
    root = repository.top
    author = repository.configured_author()
    return render(
        posts=[f for f in POST_FOLDERS if (root / f).is_dir()] or ["_posts"],
        drafts=[f for f in DRAFT_FOLDERS if (root / f).is_dir()] or ["_drafts"],
        branches=[repository.current_branch() or "main"],
        authors=[author] if author else [],
        notes=notes or ["~/voice-notes"],
    )


def _tell(args: argparse.Namespace, done: list[tuple[str, str]], repository: Repository) -> None:
    if args.json:
        show.as_json({"dry_run": args.dry_run, "done": [{"action": a, "path": p} for a, p in done]})
        return
    would = "would have: " if args.dry_run else ""
    show.table([(f"{would}{action}", path) for action, path in done], indent="")
    if not done:
        print("everything is in place already")
        return
    print(f"next: read {FILE_NAME}, then run `tonewright up` and commit a post")
    if repository.current_branch() is None:
        print("note: HEAD is on no branch now (a rebase?), so blog.branches says main; change it if that is wrong")
