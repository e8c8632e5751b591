"""What in a document must not leave: secrets, personal data, and the words that the author listed."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tonewright.errors import Missing
from tonewright.secrets import Finding, find_secrets

_EXCUSE = re.compile(r"<!--\s*tonewright:\s*not a secret\s*-->")


def find_leaks(text: str, leaves: Sequence[str] = (), denylist: Iterable[str] = ()) -> list[Finding]:
    """Everything in `text`, the whole file, and in `leaves`, what of it would be sent, that should stay.

    Lines are read as they are, and every paragraph once more in one line, since prose is wrapped where it happens to
    be full; invisible characters do not count. A line with `<!-- tonewright: not a secret -->` is excused, wherever
    its words turn up, but for the author's own `denylist`. Raises `Missing` without detect-secrets.
    """
    seen = _seen(text)
    lines = seen.split("\n")
    excused = [_EXCUSE.sub("", line) for line in lines if _EXCUSE.search(line)]
    forgiven = {(f.kind, f.shown) for line in excused for f in _in_line(line, 0)}
    found = [f for n, line in enumerate(lines, 1) if not _EXCUSE.search(line) for f in _in_line(line, n)]
    known = {(f.kind, f.shown) for f in found} | forgiven
    for number, joined in _paragraphs(lines):
        found += [f for f in _in_line(joined, number) if (f.kind, f.shown) not in known]
    for sent in leaves:
        found += [f for f in _in_line(" ".join(_seen(sent).split()), 0) if (f.kind, f.shown) not in known]
    found += _listed("\n".join([seen, *map(_seen, leaves)]), denylist)
    return sorted(set(found))


def _seen(text: str) -> str:
    """`text` as a reader sees it: compatibility forms made one, characters without a shape taken out."""
    normal = unicodedata.normalize("NFKC", text)
    return normal if normal.isascii() else "".join(c for c in normal if unicodedata.category(c) != "Cf")


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(first line, its text in one line) of each run of several lines; excused ones are left out."""
    start, run = 0, list[str]()
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            start = start if run else number
            run += [] if _EXCUSE.search(line) else [line.strip().lstrip("> ")]
        else:
            if len(run) > 1:
                yield start, " ".join(run)
            run = []


def _in_line(line: str, number: int) -> list[Finding]:
    own = [Finding(number, f.kind, f.shown) for f in find_secrets(line, contacts=True)]
    return own + [Finding(number, kind, f"{len(secret)} characters") for kind, secret in _by_detectors(line)]


def _by_detectors(line: str) -> Iterator[tuple[str, str]]:
    """(kind, secret) of what detect-secrets sees in a line.

    Its detectors are asked one by one: the package's own scan may send what it finds to the service that it looks
    like, in order to see whether it works, and in a line of prose it would call every word a secret.
    """
    for detector in _detectors():
        least = getattr(detector, "entropy_limit", None)
        for secret in detector.analyze_string(line):
            if least is None or detector.calculate_shannon_entropy(secret) > least:
                yield detector.secret_type.lower(), secret


@functools.cache
def _detectors() -> tuple[Any, ...]:
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    except ImportError as e:
        raise Missing("detect-secrets is not installed", "pip install 'tonewright[hosted]'") from e
    kinds: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
    return tuple(kind() for kind in kinds)


def _listed(text: str, denylist: Iterable[str]) -> Iterator[Finding]:
    """Where the author's own words stand; case and the kind of white space do not count."""
    for word in filter(None, (_seen(w).strip() for w in denylist)):
        pattern = r"(?<!\w)" + r"\s+".join(map(re.escape, word.split())) + r"(?!\w)"
        for hit in re.finditer(pattern, text, re.IGNORECASE):
            yield Finding(text.count("\n", 0, hit.start()) + 1, "a word of your denylist", f"{len(word)} characters")
