"""The author's tags as files in the blog's repository: one small file per decision, written once, never changed.

Two branches can never conflict in such a folder. A file is named by the hash of its bytes, so two sides that add the
same name add the same bytes; nothing is ever appended to, edited or removed, so there is nothing else for Git to merge.
That holds for merges, rebases, cherry-picks and the button on a hosting site alike, and needs no merge driver.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from tonewright.errors import BadInput
from tonewright.tones.vocabulary import Vocabulary

SUFFIX = ".jsonl"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"  # of one width, so that the order of the letters is the order of time
_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_MEND = "take that line back to what Git has, or remove it"


@dataclass(frozen=True)
class Decision:
    """One line: some words of one post or note get a tone, or (`removes`) earlier decisions are taken back.

    `quote` holds the words with single blanks between them. Where they do not stand in the repository anyway (a voice
    note, a folder outside Git, an ignored draft) it stays empty, and `digest` alone tells them: a tag makes nothing
    public.
    """

    id: str
    at: str  # UTC, to the microsecond
    path: str  # from the repository's root, or from the watched folder's
    tone: str = ""
    quote: str = ""
    digest: str = ""  # sha256 of the words with single blanks between them
    words: int = 0  # how many there are
    before: str = ""  # the words that came before them
    after: str = ""
    position: int = 0  # words of the post's passages that came before them
    whole: bool = False  # a whole passage, and not some words within one
    marks: tuple[str, ...] = ()  # tones that marks in the text gave to the passage at that moment
    removes: tuple[str, ...] = ()  # ids

    @property
    def order(self) -> tuple[str, str, str]:
        """Later decisions sort after earlier ones, on every machine alike."""
        return self.at, self.id, self.tone


_KNOWN = {f.name: f.type for f in fields(Decision)}


def decision(path: str, **more: Any) -> Decision:
    """A decision of this moment about something in `path`; it has no id before `seal` gives it one."""
    return Decision("", "", path, **more)


def seal(decisions: Iterable[Decision], now: datetime, latest: str = "") -> list[Decision]:
    """Give decisions their time and id. They come after `latest`, the newest known: a clock that is behind on one
    machine does not turn what its author says now into something that was said before."""
    if latest:
        now = max(now, datetime.strptime(latest, _TIME).replace(tzinfo=timezone.utc) + timedelta(microseconds=1))
    at = now.astimezone(timezone.utc).strftime(_TIME)
    timed = [replace(d, at=at) for d in decisions]
    return [replace(d, id=hashlib.sha256(_line(d).encode()).hexdigest()[:32]) for d in timed]


def as_file(decisions: Sequence[Decision]) -> tuple[str, list[str]]:
    """(name below the folder, lines) of the file that holds `decisions`, which were sealed together."""
    lines = [_line(d) for d in decisions]
    name = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:20]
    return f"{decisions[0].at[:7]}/{name}{SUFFIX}", lines


def digest_of(words: Sequence[str]) -> str:
    """What `Decision.digest` says of these words."""
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def read(data: bytes, name: str, vocabulary: Vocabulary) -> tuple[list[tuple[int, Decision]], list[BadInput]]:
    """[(line, decision)] of a file's bytes, and a sentence naming `name:line` for each line that cannot be used."""
    found, faults = [], []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append((number, _decision(line, f"{name}:{number}", vocabulary)))
        except BadInput as e:
            faults.append(e)
    return found, faults


def from_record(record: dict[str, Any]) -> Decision:
    """A decision from its fields, as JSON gives them."""
    lists = {key: tuple(value) for key, value in record.items() if isinstance(value, list)}
    return Decision(**{**record, **lists})


def _line(what: Decision) -> str:
    """Canonical JSON: keys sorted, what is empty left out."""
    return json.dumps({k: v for k, v in asdict(what).items() if v}, ensure_ascii=False, sort_keys=True)


def _decision(line: bytes, where: str, vocabulary: Vocabulary) -> Decision:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as e:
        raise BadInput(f"{where} is not UTF-8", _MEND) from e
    except json.JSONDecodeError as e:
        raise BadInput(f"{where} is not JSON ({e.msg})", _MEND) from e
    except RecursionError as e:
        raise BadInput(f"{where} is nested too deeply", _MEND) from e
    if not isinstance(record, dict):
        raise BadInput(f"{where} is no JSON object", _MEND)
    wrong = [k for k, v in record.items() if k in _KNOWN and not _fits(v, str(_KNOWN[k]))]
    wrong += [k for k in ("id", "at", "path") if not record.get(k)]
    if wrong:
        raise BadInput(f"{where}: {wrong[0]} is missing or of the wrong kind", _MEND)
    known: dict[str, Any] = {k: v for k, v in record.items() if k in _KNOWN}
    found = from_record(known)
    if not _is_time(found.at):
        raise BadInput(f"{where}: {found.at!r} is no time", f"write it as {datetime.now(timezone.utc).strftime(_TIME)}")
    if not found.removes:
        vocabulary.check(found.tone, where)
        if not (found.quote or (found.digest and found.words > 0)):
            raise BadInput(f"{where} quotes no words", _MEND)
    return found


def _fits(value: object, kind: str) -> bool:
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "str":
        return isinstance(value, str)
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_time(text: str) -> bool:
    try:
        return bool(_AT.fullmatch(text) and datetime.strptime(text, _TIME))
    except ValueError:
        return False
