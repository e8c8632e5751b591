"""A settings file changed by a command, so that the author's comments, order and spacing survive."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli

from tonewright import in_place
from tonewright.errors import ConfigError, Refused

DOT = r"\s*\.\s*"  # TOML allows space around it


def add_table(file: Path, name: str, values: Mapping[str, str | int]) -> None:
    """Put the table [`name`] at the end of `file`, which is made if need be. `name` is dotted, of bare keys.

    Raises `Refused` when the file has such a table, and `ConfigError` when it is no TOML.
    """
    text = file.read_bytes().decode() if file.is_file() else ""
    end = "\r\n" if "\r\n" in text else "\n"
    if _lookup(_parsed(file, text), name) is not None:
        raise Refused(f"{file} has [{name}] already", "change it there")
    lines = [f"[{name}]", *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())]
    gap = "" if not text else end if text.endswith("\n") else 2 * end
    _write(file, text + gap + end.join(lines) + end)


def drop_table(file: Path, name: str) -> None:
    """Take the table [`name`] (such as hosts.laptop) out of `file`, with the remarks between its lines.

    Raises `Refused` when it is not written as a table of its own, since another line would have to be rewritten.
    """
    text = file.read_bytes().decode()
    wanted = _parsed(file, text)
    parent, _, key = name.rpartition(".")
    holder = _lookup(wanted, parent)
    known = isinstance(holder, dict) and holder.pop(key, None) is not None
    left = _without_lines(text, name)
    if not known or _without_empty(_parsed(file, left)) != _without_empty(wanted):
        raise Refused(f"{file} does not hold [{name}] as a table of its own", "take it out by hand")
    _write(file, left)


def _without_lines(text: str, name: str) -> str:
    """`text` from which the lines of the table are gone, and one empty line; the remarks above the next table stay."""
    lines = text.splitlines(keepends=True)
    heads = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    spelled = re.compile(rf"\s*\[\s*{DOT.join(map(re.escape, name.split('.')))}\s*\]\s*(#.*)?$")
    first = next((number for number in heads if spelled.match(lines[number])), None)
    if first is None:
        return text
    last = next((number for number in heads if number > first), len(lines))
    if last < len(lines):
        while last > first + 1 and lines[last - 1].lstrip()[:1] in ("", "#"):
            last -= 1
    if first and not lines[first - 1].strip():
        first -= 1
    return "".join([*lines[:first], *lines[last:]])


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as e:
        raise ConfigError(f"{file} is not valid TOML ({e})", "mend that line") from e


def _lookup(tables: dict[str, Any], name: str) -> Any:
    found: Any = tables
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _without_empty(tables: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tables.items() if value != {}}


def _write(file: Path, text: str) -> None:
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    in_place.replace(file, text.encode())
