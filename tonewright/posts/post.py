"""One post as its author saved it, and whether the world may read it yet."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import PurePosixPath
from typing import Any

from tonewright.errors import BadInput
from tonewright.posts import frontmatter

SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
# Files that live beside posts and are about the repository, not by the author for readers.
_NOT_POSTS = frozenset(
    """
    _INDEX README LICENSE LICENCE COPYING CHANGELOG CHANGES CONTRIBUTING CODE_OF_CONDUCT SECURITY SUPPORT
    AUTHORS MAINTAINERS TODO AGENTS CLAUDE
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
)
_DATED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_WHEN = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)


@dataclass(frozen=True)
class Post:
    """A parsed post. `text` is the whole file, header included: `text.encode()` gives back its bytes."""

    path: str
    text: str
    body_start: int  # character offset
    title: str
    date: datetime | None  # aware when the author wrote an offset, naive otherwise
    tones: tuple[str, ...]  # as written, lower case; the vocabulary has not been asked
    summary: str | None
    private: bool
    slug: str
    front: Mapping[str, Any] = field(repr=False)
    line_starts: tuple[int, ...] = field(repr=False)  # character offset of each line

    def line_of(self, offset: int) -> int:
        """The line, from 1, that holds the character at `offset`."""
        return bisect_right(self.line_starts, offset)

    def where(self, *keys: str) -> str:
        """`path:line` of the first of `keys` that the header has, or of the header itself."""
        return _where(self.path, self.text[: self.body_start], *keys)


@dataclass(frozen=True)
class Published:
    """The post is public, as far as its own words tell."""


@dataclass(frozen=True)
class LeftOut:
    """The post is not public; `until` is when that changes without an edit, if it does."""

    reason: str
    until: datetime | None = None


def is_post(path: str) -> bool:
    """Whether a file so named is a post: Markdown, not hidden, neither a README nor Hugo's `_index.md`."""
    name = PurePosixPath(path.replace("\\", "/"))
    stem = name.stem.partition(".")[0].upper()
    return name.suffix.lower() in SUFFIXES and not name.name.startswith(".") and stem not in _NOT_POSTS


def parse(raw: bytes, path: str) -> Post:
    """Read the bytes of a post. Raises `BadInput` when they are not UTF-8 or the header cannot be used."""
    text = _decode(raw, path)
    front = frontmatter.split(text, path)
    header = text[: front.body_start]
    slug, named = _name_of(path)
    written = front.data.get("date")
    when = named if written in (None, "") else _moment(written, _where(path, header, "date"))
    summary = _first(front.data, "summary")
    return Post(
        path=path,
        text=text,
        body_start=front.body_start,
        title=str(front.data.get("title") or slug.replace("-", " ").replace("_", " ").capitalize()),
        date=when,
        tones=_tones(front.data, _where(path, header, "tone", "tones")),
        summary=summary.strip() or None if isinstance(summary, str) else None,
        private=_kept(_first(front.data, "private")),
        slug=slug,
        front=front.data,
        line_starts=(0, *(m.end() for m in re.finditer("\n", text))),
    )


def publication(post: Post, now: datetime, drafts_dirs: Iterable[str] = ("_drafts",)) -> Published | LeftOut:
    """Whether `post` is public at `now`, by the rules of Jekyll, Hugo and Zola and by ours.

    `now` is aware; a date without an offset is read in its time zone. `drafts_dirs` are folders at any depth.
    Raises `BadInput` for a `publishDate` or `expiryDate` that is no date.
    """
    front = {key.lower(): value for key, value in post.front.items()}  # Hugo's keys ignore case
    folders = PurePosixPath(post.path).parts[:-1]
    for name in drafts_dirs:
        wanted = PurePosixPath(name).parts
        if any(folders[i : i + len(wanted)] == wanted for i in range(len(folders))):
            return LeftOut(f"it is in {name}")
    if _kept(front.get("draft")):
        return LeftOut("draft: true")
    for key in ("status", "visibility"):
        if str(front.get(key)).strip().lower() in ("draft", "private"):
            return LeftOut(f"{key}: {front[key]}")
    if _no(front.get("published")):
        return LeftOut("published: false")
    kept = opted_out(post)
    if kept:
        return LeftOut(kept)
    dates = [post.date]
    if front.get("publishdate"):
        dates.append(_moment(front["publishdate"], post.where("publishDate", "publishdate")))
    coming = [d for d in (_aware(d, now) for d in dates if d) if d > now]
    if coming:
        return LeftOut(f"it is dated {max(coming).isoformat(sep=' ', timespec='minutes')}", max(coming))
    if front.get("expirydate"):
        ends = _aware(_moment(front["expirydate"], post.where("expiryDate", "expirydate")), now)
        if ends <= now:
            return LeftOut(f"it expired on {ends.isoformat(sep=' ', timespec='minutes')}")
    return Published()


def opted_out(post: Post) -> str:
    """The words with which the author keeps `post` away from everybody, or ""; a draft is not among them."""
    if post.private:
        return "private: true"
    return "tonewright: no" if _no(_first(post.front, "tonewright")) else ""


def _decode(raw: bytes, path: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as e:
        line = raw.count(b"\n", 0, e.start) + 1
        raise BadInput(
            f"{path}:{line}: byte {e.start} (0x{raw[e.start]:02x}) is not UTF-8",
            f"convert the file, for example with `iconv -f WINDOWS-1252 -t UTF-8 {path} > new.md`",
        ) from e


def _name_of(path: str) -> tuple[str, datetime | None]:
    """Slug and date from the file's name; a page bundle (`my-post/index.md`) is named by its folder."""
    pure = PurePosixPath(path.replace("\\", "/"))
    stem = pure.parent.name if pure.stem == "index" and pure.parent.name else pure.stem
    dated = _DATED.fullmatch(stem)
    if dated:
        try:
            return dated[4], datetime(int(dated[1]), int(dated[2]), int(dated[3]))  # naive, like Jekyll's own
        except ValueError:  # 2026-13-40-something is a name, not a day
            pass
    return stem, None


def _first(front: Mapping[str, Any], *keys: str) -> Any:
    """The first of `keys` at the top of the header, under Zola's `[extra]` or Hugo's `params`."""
    for table in (front, front.get("extra"), front.get("params")):
        if isinstance(table, Mapping):
            for key in keys:
                if table.get(key) is not None:
                    return table[key]
    return None


def _tones(front: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """The names under `tone` and `tones`, in order, once each; a string may list several with commas."""
    names: list[str] = []
    for value in (_first(front, "tone"), _first(front, "tones")):
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(name, str) for name in listed):
            raise BadInput(f"{where}: a tone is a name, and this is {value!r}", "write `tone: dry` or `tone: [dry]`")
        names += [part.strip().lower() for name in listed for part in name.split(",") if part.strip()]
    return tuple(dict.fromkeys(names))


def _moment(value: Any, where: str) -> datetime:
    """A date of the header as a datetime; midnight when it has no time. Raises `BadInput`."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    found = _WHEN.fullmatch(value.strip()) if isinstance(value, str) else None
    try:
        if found:
            numbers = [int(n or 0) for n in found.groups()[:6]]
            return datetime(*numbers, tzinfo=_zone(found[7]))  # type: ignore[arg-type,misc]
    except ValueError:
        pass
    raise BadInput(f"{where}: {value!r} is not a date", "write it as 2026-03-29 or 2026-03-29 18:30:00 +0200")


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset in ("Z", "UTC"):
        return timezone.utc
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _aware(moment: datetime, now: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _where(path: str, header: str, *keys: str) -> str:
    found = re.search(rf"^[ \t]*(?:{'|'.join(map(re.escape, keys))})[ \t]*[:=]", header, re.MULTILINE)
    return f"{path}:{header.count(chr(10), 0, found.start()) + 1 if found else 1}"


def _kept(value: Any) -> bool:
    """Whether a mark such as `private` or `draft` stands: a value that we do not understand keeps a text back."""
    return value not in (None, "", 0) and not _no(value)


def _no(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in ("false", "no", "off"))
