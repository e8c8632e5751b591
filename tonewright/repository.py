"""A Git repository read through dulwich: tips, the versions of posts that commits bring, blobs.

Only the object store and the refs are read, never the working tree, so an author in the middle of a rebase, a
stash or a half-typed sentence changes nothing here.
"""

from __future__ import annotations

import email.utils
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from tonewright.errors import UsageError
from tonewright.posts.post import is_post

if TYPE_CHECKING:
    from dulwich.objects import Commit
    from dulwich.repo import Repo


@dataclass(frozen=True)
class Version:
    """A post as one commit left it; `blob` is "" where the commit took the post away."""

    path: str
    blob: str
    commit: str
    author: str  # e-mail address, lower case
    message: str  # first line


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
        self.top = Path(self._repo.path)
        self.git_dir = Path(self._repo.commondir())

    @property
    def identity(self) -> str:
        """Names the repository in the ledger: the folder that all its worktrees share."""
        return str(self.git_dir.resolve())

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
        """Every version of a post that commits reachable from `tips` and not from `seen` bring, oldest first."""
        exclude = [oid.encode() for oid in seen if self.has(oid)]
        walker = self._repo.get_walker(
            include=[t.encode() for t in tips],  # type: ignore[misc]
            exclude=exclude,  # type: ignore[arg-type]
            order="topo",
            reverse=True,
        )
        for entry in walker:
            yield from self._versions_of(entry.commit, folders)

    def _versions_of(self, commit: Commit, folders: Sequence[str]) -> Iterator[Version]:
        from dulwich.diff_tree import tree_changes

        # A merge brings nothing of its own unless it differs from every parent; its first parent is enough here,
        # since what came from the others was met on their own commits.
        parents = commit.parents[:1]
        before = self._tree(parents[0]) if parents else None
        for change in tree_changes(self._repo.object_store, before, commit.tree):
            for side, gone in ((change.old, True), (change.new, False)):
                if side is None or side.path is None or not _in_folders(side.path, folders):
                    continue
                if gone and change.new is not None and change.new.path == side.path:
                    continue
                yield _version(commit, side.path, b"" if gone else side.sha)

    def posts_at(self, tip: str, folders: Sequence[str]) -> dict[str, str]:
        """{path: blob id} of all posts in the tree of commit `tip`."""
        from dulwich.object_store import iter_tree_contents

        return {
            entry.path.decode(errors="surrogateescape"): entry.sha.decode()
            for entry in iter_tree_contents(self._repo.object_store, self._tree(tip.encode()))
            if _in_folders(entry.path, folders)
        }

    def _tree(self, commit: bytes) -> Any:
        return self._repo.object_store[commit].tree  # type: ignore[index,attr-defined]


def _version(commit: Commit, path: bytes, blob: bytes | None) -> Version:
    author = email.utils.parseaddr(commit.author.decode(errors="replace"))[1].lower()
    message = commit.message.decode(errors="replace").strip().partition("\n")[0]
    name = path.decode(errors="surrogateescape")
    return Version(name, (blob or b"").decode(), commit.id.decode(), author, message)


def _in_folders(path: bytes, folders: Sequence[str]) -> bool:
    name = path.decode(errors="surrogateescape")
    parts = PurePosixPath(name).parts
    wanted = [PurePosixPath(f).parts for f in folders]
    return is_post(name) and any(parts[: len(w)] == w for w in wanted)
