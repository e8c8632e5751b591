"""What the author has written, open for questions: one object that keeps the index and the word vectors at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tonewright.errors import TonewrightError, UsageError
from tonewright.models.base import base_file
from tonewright.models.words import word_vectors
from tonewright.search.index import Index
from tonewright.search.query import Meaning, Passage, Question, one_each, search, understand
from tonewright.search.refresh import open_index, refresh
from tonewright.workspace import Workspace

_DEEPER = 8  # passages looked at for each post that is wanted: the best ones may be of the same post


class Archive:
    """Posts and notes of one workspace. `without_meaning` says why words of like meaning are not found, or is ""."""

    def __init__(self, workspace: Workspace, index: Index) -> None:
        self.workspace = workspace
        self.index = index
        self.without_meaning = ""
        self.meaning: Meaning | None = None
        try:
            self.meaning = Meaning(word_vectors(base_file(workspace.config.model.base)))
        except TonewrightError as e:
            self.without_meaning = str(e)

    def understand(self, text: str) -> Question:
        """What `text` asks for. Changes that came in meanwhile are taken up first."""
        refresh(self.workspace, self.index)
        return understand(self.index, self.meaning, text)

    def search(self, question: Question, limit: int, kind: str = "") -> list[Passage]:
        """The best passage of each of the best `limit` posts and notes."""
        return one_each(search(self.index, question, limit * _DEEPER, kind=kind), limit)

    def related(self, path: str, limit: int) -> list[Passage]:
        """The passages of other posts that share the most telling words of this one, the best of each.

        Raises `UsageError` when the index has no such post.
        """
        refresh(self.workspace, self.index)
        known = _known_as(self.workspace, self.index, path)
        said = self.index.db.execute(
            "SELECT title || ' ' || headings || ' ' || text FROM chunks WHERE path = ?", (known,)
        ).fetchall()
        question = understand(self.index, None, " ".join(text for (text,) in said))
        return one_each(search(self.index, question, limit * _DEEPER, without=[known]), limit)

    def context_for(self, text: str, limit: int, without: Iterable[str] = ()) -> list[Passage]:
        """Earlier passages on what `text` is about, to ground a model's answer.

        None that `text` itself contains, and none of the posts at the paths `without`.
        """
        bare = " ".join(text.split())
        found = search(self.index, self.understand(text), 2 * limit, without=without)
        return [passage for passage in found if passage.chunk.text not in bare][:limit]


@contextmanager
def open_archive(
    workspace: Workspace, progress: Callable[[int, int], None] = lambda done, of: None
) -> Iterator[Archive]:
    """The archive, with its index up to date. Raises `TryLater` when the index cannot be written."""
    with open_index(workspace, progress) as index:
        yield Archive(workspace, index)


def context_for(workspace: Workspace, text: str, limit: int) -> list[Passage]:
    """`Archive.context_for`, for one question."""
    with open_archive(workspace) as archive:
        return archive.context_for(text, limit)


def _known_as(workspace: Workspace, index: Index, path: str) -> str:
    """The path under which the index knows a post: as given, from the blog's root, or absolute."""
    whole = Path(path).absolute()
    meant = [path, str(whole)]
    if whole.is_relative_to(workspace.root):
        meant.append(whole.relative_to(workspace.root).as_posix())
    for name in meant:
        if index.db.execute("SELECT 1 FROM chunks WHERE path = ?", (name,)).fetchone():
            return name
    raise UsageError(
        f"{path} is not indexed", "`tonewright search --coverage` tells which files are, and why others are not"
    )
