"""Everything in a post that tonewright, kramdown or the author would stumble over, with line and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from hooks.mend import Mended, mend
from tonewright.config.schema import Blog, Tones
from tonewright.corpus.fingerprints import OURS, Ledgerlike, share_written
from tonewright.errors import BadInput
from tonewright.posts.passages import split_passages
from tonewright.posts.post import LeftOut, Post, parse, publication
from tonewright.secrets import find_secrets
from tonewright.tones.marks import read_marks
from tonewright.tones.vocabulary import Vocabulary

EXCUSE = "<!-- tonewright: not a secret -->"
_CLOSING = re.compile(r"\A\ufeff?(---|\+\+\+)[ \t]*\r?\n.*?^\1[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in one file; `line` counts from 1."""

    line: int
    what: str
    remedy: str

    def told(self, path: str) -> str:
        """`path:line: sentence: remedy`."""
        return f"{path}:{self.line}: {self.what}: {self.remedy}"


@dataclass(frozen=True)
class Rules:
    """What a blog's own settings say about its posts; `known` is its ledger, if it has one."""

    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(Tones().names))
    drafts: tuple[str, ...] = Blog().drafts
    known: Ledgerlike | None = None


@dataclass(frozen=True)
class Findings:
    """All faults of one post, in the order of their lines, and what `--fix` would make of it."""

    faults: list[Fault]
    mended: Mended | None = None


def examine(raw: bytes, path: str, rules: Rules, now: datetime) -> Findings:
    """Look at the bytes of a post. `now` is aware; it decides what is published."""
    faults = list(_secrets(raw))
    try:
        post = parse(raw, path)
    except BadInput as e:
        return Findings(sorted([*faults, _fault(e, path), *_faults_of_body(raw, path, rules.vocabulary)]))
    broken = [*_header(post, rules), *_marks(post.text, path, rules.vocabulary, post.body_start)]
    try:
        public = publication(post, now, rules.drafts)
    except BadInput as e:
        return Findings(sorted([*faults, *broken, _fault(e, path)]))
    if broken or (isinstance(public, LeftOut) and public.until is None):
        return Findings(sorted([*faults, *broken]))
    mended = mend(post, rules.vocabulary) if _is_kramdown(post) else None
    faults += [*_raw_tags(post, rules.vocabulary, mended), *_own_output(post, rules)]
    return Findings(sorted(faults), mended)


def _fault(error: BadInput, path: str) -> Fault:
    """An error of the parsers, which name `path:line` at one place or another in their sentence."""
    place = re.compile(rf"(?: at )?{re.escape(path)}:(\d+)(?:: )?")
    found = place.search(error.what)
    what = error.what.replace(found[0], "", 1) if found else error.what
    return Fault(int(found[1]) if found else 1, what, error.remedy)


def _secrets(raw: bytes) -> Iterator[Fault]:
    for found in find_secrets(raw.decode("utf-8", errors="replace")):
        remedy = f"take it out and change it, for it may have been seen; if it is none, add {EXCUSE} to the line"
        yield Fault(found.line, f"this looks like {found.kind} ({found.shown})", remedy)


def _faults_of_body(raw: bytes, path: str, vocabulary: Vocabulary) -> list[Fault]:
    """The broken marks below a header that cannot be read."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return []
    header = _CLOSING.match(text)
    return list(_marks(text, path, vocabulary, header.end())) if header else []


def _header(post: Post, rules: Rules) -> Iterator[Fault]:
    for tone in post.tones:
        try:
            rules.vocabulary.check(tone, post.where("tone", "tones"))
        except BadInput as e:
            yield _fault(e, post.path)


def _marks(text: str, path: str, vocabulary: Vocabulary, start: int) -> Iterator[Fault]:
    for error in read_marks(text, vocabulary, path, start)[1]:
        yield _fault(error, path)


def _is_kramdown(post: Post) -> bool:
    """Whether the post is Jekyll's, as far as one file can tell: Hugo and Zola keep posts in `content`, and only
    they have TOML headers."""
    toml = post.text.lstrip("\ufeff").startswith("+++")
    return not toml and "content" not in PurePosixPath(post.path).parts


def _raw_tags(post: Post, vocabulary: Vocabulary, mended: Mended | None) -> Iterator[Fault]:
    """Tags that stand in a page for readers; `mended` None: it is none of kramdown's."""
    for mark in read_marks(post.text, vocabulary, post.path, post.body_start)[0]:
        if mark.form != "tag":
            continue
        at = mark.syntax[0][0]
        what = f"<{mark.tone}> goes into the published page as it stands"
        whole = f'{{: data-tone="{mark.tone}"}} below the paragraph'
        part = f'<span>…</span>{{: data-tone="{mark.tone}"}} around a part of one'
        if mended is None:
            remedy = (
                f"Hugo and Zola render no form of it that tonewright reads; write `tone: {mark.tone}` into the "
                "front matter if the whole post is meant, or take the tag out before you publish"
            )
        elif at in mended.tags:
            remedy = f"write {whole}, or {part} (--fix does it)"
        else:
            remedy = f"write {whole}, or {part}, by hand: as it stands, neither would render or mean the same"
        yield Fault(post.line_of(at), what, remedy)


def _own_output(post: Post, rules: Rules) -> Iterator[Fault]:
    if rules.known is None or _admits_it(post):
        return
    for passage in split_passages(post, rules.vocabulary):
        share = share_written(rules.known, passage.text)
        if share >= OURS:
            yield Fault(
                passage.line,
                f"{share:.0%} of this passage is what your model wrote",
                "put it into your own words, or say so in the front matter: written_with: tonewright",
            )


def _admits_it(post: Post) -> bool:
    """Whether the header says `written_with: tonewright`, at the top or where Zola and Hugo want keys of one's own."""
    tables = (post.front, post.front.get("extra"), post.front.get("params"))
    notes = [table.get("written_with") for table in tables if isinstance(table, Mapping)]
    return any(isinstance(note, str) and note.strip().lower() == "tonewright" for note in notes)
