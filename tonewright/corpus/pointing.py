"""What a person points at on the command line: a post or note, a line of it, some words of it."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

from tonewright.corpus.hand_tags import MARK, name_of
from tonewright.errors import Refused, UsageError
from tonewright.notes.transcript import sidecar_names
from tonewright.posts.passages import Passage, split_passages
from tonewright.posts.post import is_post, opted_out, parse
from tonewright.process import run
from tonewright.repository import Repository
from tonewright.tones.anchors import Words
from tonewright.workspace import Workspace

_EDGES = re.compile(r"^\W+|\W+$")
NOT_PASSAGES = "headings, code, quotations, lists and paragraphs of a few words are no passages"


@dataclass(frozen=True)
class Text:
    """A post as it is on disk now, or a note as it was taken."""

    name: str  # what it is called on every machine
    words: Words
    lines: tuple[tuple[int, int], ...]  # first and last line of each passage
    marks: tuple[tuple[str, ...], ...]  # the tones of the marks on each passage
    public: bool  # whether its words stand in the repository (or will)


@dataclass(frozen=True)
class Spot:
    """A passage of a text (its number), or some of its words."""

    passage: int
    span: tuple[int, int] | None = None


def point(workspace: Workspace, where: str) -> tuple[Text, list[Spot]]:
    """The text that `PATH[:LINE|words]` names, and the spots in it that are meant: every passage for a bare PATH.

    Raises `UsageError` when there is no such file, line or wording, and `Refused` for what never enters the corpus.
    """
    path, place = _parted(where)
    text = _note(workspace, path) or _post(workspace, path)
    if not text.words.passages:
        raise Refused(f"{text.name} has no passages", NOT_PASSAGES)
    if not place:
        return text, [Spot(i) for i in range(len(text.words.passages))]
    if place.isdigit():
        return text, [Spot(_passage_at(text, int(place)))]
    return text, [_wording(text, place)]


def text_of(workspace: Workspace, document: int) -> Text:
    """A document of the corpus as it reads now: a post as it is on disk, a note as it was taken.

    A post that is not checked out is read from the corpus. Raises `BadInput` for a post that cannot be used as it is
    on disk, and `Refused` for one that is kept out by now.
    """
    origin, place, path = workspace.ledger.read("SELECT origin, place, path FROM documents WHERE id = ?", (document,))[
        0
    ]
    file = Repository(workspace.root).top / path if origin == "git" else Path(path)
    if origin == "note" or not file.is_file():
        return _taken(workspace, document, name_of(origin, place, path), public=origin == "git")
    return _post(workspace, file)


def _parted(where: str) -> tuple[Path, str]:
    """The longest beginning that is a file, and what comes after its colon."""
    end = len(where)
    while end > 0:
        path = Path(where[:end]).expanduser().absolute()
        if path.is_file():
            return path, where[end + 1 :].strip()
        end = where.rfind(":", 0, end)
    raise UsageError(f"there is no file {where}", 'write PATH, PATH:LINE or PATH:"some words"')


def _post(workspace: Workspace, path: Path) -> Text:
    name, public = _name_of_post(workspace, path)
    post = parse(path.read_bytes(), name)
    if why := opted_out(post):
        raise Refused(f"{name} says {why}, so it never enters the corpus", "take that line out of its header first")
    passages = split_passages(post, workspace.vocabulary)
    return Text(
        name,
        Words(tuple(p.text for p in passages)),
        tuple((p.line, post.line_of(p.end - 1)) for p in passages),
        tuple(marks_of(p) for p in passages),
        public,
    )


def marks_of(passage: Passage) -> tuple[str, ...]:
    """The tones that marks in the text give to a passage."""
    return tuple(sorted({span.tone for span in passage.tone_spans if span.form != "front matter"}))


def _name_of_post(workspace: Workspace, path: Path) -> tuple[str, bool]:
    """(the post's name on every machine, whether its words stand in the repository)."""
    blog, real = workspace.config.blog, path.resolve()
    for folder in (workspace.path(f).resolve() for f in blog.folders):
        if real.is_relative_to(folder):
            return real.relative_to(folder).as_posix(), False
    top = Repository(workspace.root).top.resolve()
    places = [PurePath(f) for f in (*blog.posts, *blog.drafts)]
    if real.is_relative_to(top) and is_post(path.name):
        name = real.relative_to(top)
        if any(name.is_relative_to(p) for p in places):
            ignored = run(["git", "check-ignore", "-q", "--", real], cwd=top, check=False).returncode == 0
            return name.as_posix(), not ignored
    raise UsageError(
        f"{path} is neither a post of this blog nor a note that was taken",
        f"posts are in {', '.join(map(str, places))}; `tonewright config show` lists all folders",
    )


def _note(workspace: Workspace, path: Path) -> Text | None:
    """The live note that `path` is the recording or the transcript of; None when there is none."""
    for document, place, audio in workspace.ledger.read(
        "SELECT id, place, path FROM documents WHERE live = 1 AND origin = 'note'"
    ):
        known = Path(audio)
        if path == known or (path.parent == known.parent and path.name in sidecar_names(audio)):
            return _taken(workspace, document, name_of("note", place, audio), public=False)
    return None


def _taken(workspace: Workspace, document: int, name: str, *, public: bool) -> Text:
    """A document as the corpus has it."""
    rows = workspace.ledger.read(
        """SELECT t.text, p.line, (SELECT group_concat(tone) FROM labels WHERE passage = p.id AND source = ?)
           FROM passages p JOIN texts t ON t.hash = p.text_hash WHERE p.document = ? ORDER BY p.span_start""",
        (MARK, document),
    )
    begins = [row[1] for row in rows]
    ends = [max(a, b - 1) for a, b in itertools.pairwise(begins)] + begins[-1:]
    marks = tuple(tuple(sorted((row[2] or "").split(",") if row[2] else ())) for row in rows)
    return Text(name, Words(tuple(row[0] for row in rows)), tuple(zip(begins, ends)), marks, public)


def _passage_at(text: Text, line: int) -> int:
    for number, (first, last) in enumerate(text.lines):
        if first <= line <= last:
            return number
    raise UsageError(
        f"line {line} of {text.name} is in no passage ({NOT_PASSAGES})",
        f"passages begin at lines {', '.join(str(first) for first, _ in text.lines)}",
    )


def _wording(text: Text, phrase: str) -> Spot:
    """The one place that holds these words; case, quotation marks and signs around words do not count."""
    wanted = [word for word in map(_bare, phrase.split()) if word]
    found = []
    for number, passage in enumerate(text.words.passages):
        words = [_bare(word) for word in passage.split()]
        for start in range(len(words) - len(wanted) + 1):
            if wanted and words[start : start + len(wanted)] == wanted:
                end = start + len(wanted)
                found.append(Spot(number, None if (start, end) == (0, len(words)) else (start, end)))
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no passage of {text.name} says “{phrase}”", "quote whole words of one paragraph")
    lines = ", ".join(str(text.lines[spot.passage][0]) for spot in found)
    raise UsageError(f"{text.name} says “{phrase}” {len(found)} times (lines {lines})", "quote a few more words")


def _bare(word: str) -> str:
    return _EDGES.sub("", word.replace("’", "'")).casefold()
