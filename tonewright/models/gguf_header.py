"""Read a GGUF file's metadata and check its table of tensors, with the standard library alone.

The layout is that of the GGUF specification, versions 2 and 3, little-endian. llama.cpp reads the same bytes in C,
where a wrong length has been a hole more than once: what does not fit into the file is refused before it gets there.
"""

from __future__ import annotations

import math
import struct
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from tonewright.errors import BadInput, Missing

# The value types of the specification; 8 is a string and 9 an array.
_SCALARS = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
# Tensor types: (elements, bytes) of a block, as ggml has them; the last are ternary and 4-bit floating point.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
_MOST_TENSORS, _MOST_KEYS, _MOST_DIMENSIONS, _LONGEST_NAME = 1 << 16, 1 << 16, 4, 64


def read_header(path: Path) -> dict[str, Any]:
    """The metadata of the GGUF file at `path`: scalars, strings, and arrays as lists.

    Raises `Missing` when there is no such file and `BadInput` when it is not a whole GGUF file.
    """
    try:
        stat = path.stat()
    except OSError as e:
        raise Missing(f"{path} cannot be read ({e.strerror})", "check the path of the GGUF file") from e
    return _read(path, stat.st_mtime_ns, stat.st_size)[0]


def tensor_names(path: Path) -> frozenset[str]:
    """The names of the tensors in the GGUF file at `path`; raises as `read_header` does."""
    read_header(path)
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)[1]


@cache
def _read(path: Path, _mtime: int, size: int) -> tuple[dict[str, Any], frozenset[str]]:
    """Cached by modification time and size, so that a file replaced in place is read anew."""
    try:
        with path.open("rb") as f:
            reader = _Reader(f, size)
            magic, version, tensors, count = struct.unpack("<4sIQQ", reader.take(24))
            if magic != b"GGUF" or version not in (2, 3):
                raise BadInput(f"{path} is not a GGUF file that we can read", "give a .gguf of version 2 or 3")
            reader.require(count <= _MOST_KEYS and tensors <= _MOST_TENSORS, "it counts too many entries")
            meta = {reader.string(): reader.value(reader.number("I")) for _ in range(count)}
            reader.require(len(meta) == count, "a key stands in it twice")
            return meta, _check_tensors(reader, tensors, meta.get("general.alignment", 32))
    except (OSError, struct.error, UnicodeDecodeError, KeyError, MemoryError) as e:
        raise BadInput(f"{path} is not a whole GGUF file ({e})", "fetch or export it again") from e


def _check_tensors(reader: _Reader, count: int, alignment: Any) -> frozenset[str]:
    """Every tensor is of a known type and lies inside the file, where it is said to begin, apart from the others.

    Returns their names.
    """
    aligned = isinstance(alignment, int) and 8 <= alignment <= 1 << 20 and not alignment & (alignment - 1)
    reader.require(aligned, f"its alignment is {alignment}")
    placed, names = [], set()
    for _ in range(count):
        name, dimensions = reader.string(), reader.number("I")
        reader.require(0 < len(name) < _LONGEST_NAME and name not in names, f"a tensor's name is {name!r}")
        reader.require(1 <= dimensions <= _MOST_DIMENSIONS, f"{name} has {dimensions} dimensions")
        names.add(name)
        shape = [reader.number("Q") for _ in range(dimensions)]
        kind = reader.number("I")
        reader.require(kind in _BLOCKS, f"{name} is of type {kind}, which is not known here")
        elements, size = _BLOCKS[kind]
        offset = reader.number("Q")
        reader.require(all(0 < n < 1 << 40 for n in shape) and shape[0] % elements == 0, f"{name} has shape {shape}")
        reader.require(offset % alignment == 0, f"{name} does not begin where a tensor may")
        placed.append((offset, math.prod(shape) // elements * size, name))
    start = -(-reader.at // alignment) * alignment
    end = 0
    for offset, length, name in sorted(placed):
        reader.require(offset >= end, f"{name} overlaps another tensor")
        end = offset + length
        reader.require(start + end <= reader.size, f"{name} ends beyond the file")
    return frozenset(names)


class _Reader:
    """Takes values off the front of a file, and never more than is there."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self.size, self.at = file, size, 0

    def require(self, holds: bool, otherwise: str) -> None:
        """Raise `struct.error` unless it `holds`."""
        if not holds:
            raise struct.error(otherwise)

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        self.require(length <= self.size - self.at, "something in it is longer than the file")
        data = self._file.read(length)
        self.require(len(data) == length, "the file ends early")
        self.at += length
        return data

    def number(self, code: str) -> Any:
        """The next scalar."""
        return struct.unpack("<" + code, self.take(struct.calcsize(code)))[0]

    def string(self) -> str:
        """The next string."""
        return self.take(self.number("Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """The next value of the type `kind`."""
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            return self.number(_SCALARS[kind])
        item, length = self.number("I"), self.number("Q")
        self.require(item != _ARRAY, "it nests arrays")
        if item == _STRING:
            self.require(length * 8 <= self.size - self.at, "something in it is longer than the file")
            return [self.string() for _ in range(length)]
        code = _SCALARS[item]
        return list(struct.unpack(f"<{length}{code}", self.take(length * struct.calcsize(code))))
