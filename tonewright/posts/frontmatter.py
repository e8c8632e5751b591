"""The header of a post: where it ends and what it says, for Jekyll, Hugo and Zola."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import tomli
import yaml

from tonewright.errors import BadInput

# libyaml reads the same safe subset about ten times faster; some wheels come without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_OPENING = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n")
_CLOSING = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$\n?", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*\r?$\n?", re.MULTILINE),
}
_KEY = re.compile(r"[\w-]+[ \t]*[:=]")


@dataclass(frozen=True)
class FrontMatter:
    """What the header says, and the character offset at which the body begins."""

    data: dict[str, Any]
    body_start: int
    format: Literal["yaml", "toml", "none"]


def split(text: str, path: str) -> FrontMatter:
    """Read the header of `text`: YAML between `---` lines, TOML between `+++` lines, or none.

    A byte-order mark before the first line is tolerated and counts as a character. Raises `BadInput`, naming
    the line in the file, when the header is never closed, does not parse, or is not a list of keys and
    values.
    """
    opening = _OPENING.match(text)
    if opening is None:
        return FrontMatter({}, 1 if text.startswith("\ufeff") else 0, "none")
    fence = opening[1]
    closing = _CLOSING[fence].search(text, opening.end())
    if closing is None:
        if not _KEY.match(text, opening.end()):
            return FrontMatter({}, 1 if text.startswith("\ufeff") else 0, "none")  # `---` is a rule here
        raise BadInput(f"{path}:1: the front matter is never closed", f"put a line with {fence} after its last key")
    header = text[opening.end() : closing.start()]
    data = _read_yaml(header, path) if fence == "---" else _read_toml(header, path)
    return FrontMatter(data, closing.end(), "yaml" if fence == "---" else "toml")


def _read_yaml(header: str, path: str) -> dict[str, Any]:
    try:
        # A safe loader: it builds strings, numbers, dates, lists and mappings, and no other object.
        data = _guarded(lambda: yaml.load(header, Loader=_Loader), "YAML", path)  # noqa: S506
    except yaml.YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 2 if mark else header.count("\n", 0, getattr(e, "position", 0)) + 2
        problem = getattr(e, "problem", None) or getattr(e, "reason", None) or "it does not parse"
        raise BadInput(
            f"{path}:{line}: bad YAML in the front matter ({problem})",
            "correct that line; a value with a colon or a quote in it needs quotes around it",
        ) from e
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BadInput(f"{path}:2: the front matter is not a list of keys", "write it as `title: My post`")
    return {str(key): value for key, value in data.items()}


def _read_toml(header: str, path: str) -> dict[str, Any]:
    try:
        data: dict[str, Any] = _guarded(lambda: tomli.loads(header), "TOML", path)
    except tomli.TOMLDecodeError as e:
        raise BadInput(
            f"{path}:{e.lineno + 1}: bad TOML in the front matter ({e.msg})",
            "correct that line; text needs quotes around it",
        ) from e
    return data


def _guarded(read: Callable[[], Any], language: str, path: str) -> Any:
    """`read()`, with what the parsers let through (a 30th of February, deep brackets) made a `BadInput`."""
    try:
        return read()
    except (yaml.YAMLError, tomli.TOMLDecodeError):
        raise
    except (ValueError, OverflowError, RecursionError, TypeError) as e:
        raise BadInput(
            f"{path}:2: the {language} front matter holds a value that cannot be read ({e})",
            "correct the date or number, or put quotes around it",
        ) from e
