"""Read a GGUF file's metadata with the standard library alone, in a fraction of a second."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from tonewright.errors import BadInput, Missing

# The value types of the GGUF specification (version 2 and 3), little-endian; 8 is a string and 9 an array.
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9


def read_header(path: Path) -> dict[str, Any]:
    """The metadata of the GGUF file at `path`: scalars, strings, and arrays as lists.

    Raises `Missing` when there is no such file and `BadInput` when it is not a GGUF file.
    """
    try:
        stat = path.stat()
    except OSError as e:
        raise Missing(f"{path} cannot be read ({e.strerror})", "check the path of the GGUF file") from e
    return _read(path, stat.st_mtime_ns, stat.st_size)


@cache
def _read(path: Path, _mtime: int, _size: int) -> dict[str, Any]:
    """Cached by modification time and size, so that a file replaced in place is read anew."""
    try:
        with path.open("rb") as f:
            magic, version, _tensors, count = struct.unpack("<4sIQQ", f.read(24))
            if magic != b"GGUF" or version not in (2, 3):
                raise BadInput(f"{path} is not a GGUF file that we can read", "give a .gguf of version 2 or 3")
            return {_string(f): _value(f, _number(f, "I")) for _ in range(count)}
    except (OSError, struct.error, UnicodeDecodeError, KeyError) as e:
        raise BadInput(f"{path} is not a whole GGUF file", "fetch or export it again") from e


def _number(f: BinaryIO, code: str) -> Any:
    return struct.unpack("<" + code, f.read(struct.calcsize("<" + code)))[0]


def _string(f: BinaryIO) -> str:
    length = _number(f, "Q")
    data = f.read(length)
    if len(data) != length:
        raise struct.error("the file ends inside a string")
    return data.decode("utf-8", "replace")


def _value(f: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(f)
    if kind != _ARRAY:
        return _number(f, _SCALARS[kind])
    item, length = _number(f, "I"), _number(f, "Q")
    if item in (_STRING, _ARRAY):
        return [_value(f, item) for _ in range(length)]
    code = f"<{length}{_SCALARS[item]}"
    return list(struct.unpack(code, f.read(struct.calcsize(code))))
