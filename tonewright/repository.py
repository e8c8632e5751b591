"""A Git repository: its tips and blobs through dulwich, the versions of posts that commits bring through `git log`.

Only the object store and the refs are read, never the working tree, so an author in the middle of a rebase, a
stash or a half-typed sentence changes nothing here.
"""

from __future__ import annotations

import stat
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tonewright.errors import UsageError
from tonewright.posts.post import is_post
from tonewright.process import stream

if TYPE_CHECKING:
    from dulwich.repo import Repo

_COMMIT = b"\x01"
_LOG = (
    *("git", "-c", "log.showSignature=false", "log", "-z", "--topo-order", "--reverse"),
    *("--raw", "--no-abbrev", "--no-color", "--no-ext-diff", "-c", "-M", "--root", "--format=%x01%H%x00%ae%x00%s"),
)


@dataclass(frozen=True)
class Version:
    """A post as one commit left it, and what stood there before ("" for a new post)."""

    path: str
    blob: str
    commit: str
    author: str  # e-mail address, lower case
    message: str  # first line
    old_blob: str = ""
    old_path: str = ""  # differs from `path` when the commit renamed the post


class Repository:
    """One repository, found from a folder inside it. Worktrees and submodules share what Git shares."""

    def __init__(self, start: Path) -> None:
        """Raises `UsageError` when there is no repository, or only a bare one."""
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo

        try:
            self._repo: Repo = Repo.discover(start)
        except NotGitRepository as e:
            raise UsageError(f"{start} is not in a Git repository", "run `git init` there first") from e
        if self._repo.bare:
            raise UsageError(f"{start} is a bare repository", "use a clone with a working tree")
        weakref.finalize(self, self._repo.close)  # pack files stay open otherwise, one more for every scan
        self.top = Path(self._repo.path)
        self.git_dir = Path(self._repo.commondir())

    @property
    def identity(self) -> str:
        """Names the repository in the ledger: the folder that all its worktrees share."""
        return str(self.git_dir.resolve())

    @property
    def main_worktree(self) -> Path | None:
        """Where the repository's main working tree is if this is a linked one (`git worktree add`), else None."""
        shared = self.git_dir.resolve()
        return None if Path(self._repo.controldir()).resolve() == shared else shared.parent

    def current_branch(self) -> str | None:
        """The branch that HEAD is on, born or not; None in the middle of a rebase or on a detached HEAD."""
        target: bytes | None = self._repo.refs.get_symrefs().get(b"HEAD")  # type: ignore[call-overload]
        prefix = b"refs/heads/"
        return target[len(prefix) :].decode() if target and target.startswith(prefix) else None

    def configured_author(self) -> str:
        """`user.email` as Git sees it here, or ""."""
        try:
            return self._repo.get_config_stack().get((b"user",), b"email").decode().lower()
        except KeyError:
            return ""

    def tips(self, branches: Sequence[str]) -> dict[str, str]:
        """{branch: commit id} of those branches that exist."""
        found = {}
        for branch in branches:
            ref = b"refs/heads/" + branch.encode()
            try:
                found[branch] = self._repo.refs[ref].decode()  # type: ignore[index]
            except KeyError:
                continue
        return found

    def has(self, oid: str) -> bool:
        """Whether the object is still there; a force-push and a `gc` can take an old tip away."""
        return oid.encode() in self._repo.object_store  # type: ignore[operator]

    def read_blob(self, blob: str) -> bytes:
        """The bytes of a blob."""
        data: bytes = self._repo.object_store[blob.encode()].as_raw_string()  # type: ignore[index]
        return data

    def new_versions(self, tips: Sequence[str], seen: Sequence[str], folders: Sequence[str]) -> Iterator[Version]:
        """Every version of a post that commits reachable from `tips` and not from `seen` bring, oldest first.

        Parents come before their children, so whoever stops in the middle goes on from the last commit that it got.
        A merge brings only what differs from all its parents: the rest was met on their own commits. Git itself
        walks: comparing the trees of a long history in Python takes forty times as long.
        """
        exclude = [f"^{oid}" for oid in seen if self.has(oid)]
        # No paths for Git: it would compare every pair of trees twice, once to choose commits and once to print.
        fields = stream([*_LOG, *tips, *exclude, "--"], b"\0", cwd=self.top)
        wanted = _wanted(folders)
        commit = author = message = ""
        for field in fields:
            if field.startswith(_COMMIT):
                commit, author, message = (_text(f) for f in (field[1:], next(fields), next(fields)))
            elif field.strip():
                old, new, status = _raw(field)
                replaced = _text(next(fields))
                path = _text(next(fields)) if status.startswith("R") else replaced
                if new and wanted(path):
                    yield Version(path, new, commit, author.lower(), message, old, replaced if old else "")

    def posts_at(self, tip: str, folders: Sequence[str]) -> dict[str, str]:
        """{path: blob id} of all posts in the tree of commit `tip`."""
        from dulwich.object_store import iter_tree_contents

        wanted = _wanted(folders)
        return {
            _text(entry.path): entry.sha.decode()
            for entry in iter_tree_contents(self._repo.object_store, self._repo.object_store[tip.encode()].tree)  # type: ignore[index,attr-defined]
            if stat.S_ISREG(entry.mode) and wanted(_text(entry.path))
        }


def _raw(field: bytes) -> tuple[str, str, str]:
    """(blob replaced or "", new blob or "", status) of one line of `git log --raw`; a merge replaces nothing."""
    parents = len(field.strip()) - len(field.strip().lstrip(b":"))
    words = field.decode().strip().lstrip(":").split()
    mode, old, new, status = words[parents], words[parents + 1], words[2 * parents + 1], words[-1]
    is_file = mode.startswith("100")
    return old if parents == 1 and old.strip("0") else "", new if is_file and new.strip("0") else "", status


def _text(field: bytes) -> str:
    return field.decode(errors="backslashreplace")


def _wanted(folders: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is a post in one of `folders`."""
    starts = tuple("" if f in ("", ".") else f"{f}/" for f in (str(PurePosixPath(f)) for f in folders))
    return lambda path: path.startswith(starts) and is_post(path)
