"""Whether an audio file is all there, judged from its container alone, with the standard library."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# What a chunk of sound declares while a recorder is still streaming and never came back to fill it in.
_OPEN_ENDED = (0, 0xFFFFFFFF, -1)
_FIRST_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_OGG_HEADER = 27  # bytes before the segment table (RFC 3533, section 6)
_OGG_LAST_PAGE = 0x04
_OGG_LARGEST_PAGE = 65_307
_UNWRITTEN = 1024  # bytes of zeros at the end of a stream; tags at its end (ID3v1: 128 bytes) are shorter


@dataclass(frozen=True)
class _Chunked:
    """How one family of containers strings its chunks together."""

    magic: bytes
    kinds: tuple[bytes, ...]  # what bytes 8 to 12 may say
    first: int  # where the first chunk starts
    header: str  # struct format of a chunk's name and length
    sound: bytes
    padded: bool  # whether chunks start on even bytes


_CHUNKED = (
    _Chunked(b"RIFF", (b"WAVE",), 12, "<4sI", b"data", True),
    _Chunked(b"FORM", (b"AIFF", b"AIFC"), 12, ">4sI", b"SSND", True),
    _Chunked(b"caff", (b"desc",), 8, ">4sq", b"data", False),
)


@dataclass(frozen=True)
class Whole:
    """Everything that the container promises is in the file."""


@dataclass(frozen=True)
class Truncated:
    """Part of the file is not there, or not yet.

    `playable` marks what need not be so: an Ogg file of whole pages without an end mark, which is either still being
    copied or was left so by a recorder that stopped hard, and a stream that ends in zeros. Wait for it, then take it
    as it is.
    """

    reason: str
    playable: bool = False


@dataclass(frozen=True)
class Unknown:
    """This container does not tell (mp3, flac, aac, webm, a streamed wav, or no audio at all)."""


State = Whole | Truncated | Unknown


def check_container(path: Path) -> State:
    """Look at a few hundred bytes of `path` and say whether the file is whole.

    Catches half-copied wav, aiff, caf, mp4/m4a/mov and ogg/opus files, empty ones, and space that was reserved and
    not yet filled wherever zeros are no sound. A damaged middle only shows on decoding (`tonewright.notes.decode`).
    Raises `OSError` when the file cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        return Truncated("it is empty")
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in _FIRST_ATOMS:
            return _check_mp4(file, size)
        if head[:4] == b"OggS":
            return _check_ogg(file, size)
        layout = next((c for c in _CHUNKED if _begins(head, c)), None)
        return _check_chunks(file, size, layout) if layout else _check_stream(file, size)


def _check_stream(file: BinaryIO, size: int) -> State:
    """A compressed stream (mp3, aac, amr, flac, webm) does not tell its length, but it holds no long run of zeros."""
    file.seek(max(0, size - _UNWRITTEN))
    if size > _UNWRITTEN and not any(file.read()):
        return Truncated("it ends in a stretch that was never written", playable=True)
    return Unknown()


def _begins(head: bytes, layout: _Chunked) -> bool:
    """Whether `head`, which may be cut short itself, opens a file of this layout."""
    return head[:4] == layout.magic and any(kind.startswith(head[8:12]) for kind in layout.kinds)


def _check_chunks(file: BinaryIO, size: int, layout: _Chunked) -> State:
    """Find the chunk of sound and compare the length that it declares with what follows it."""
    at = layout.first
    width = struct.calcsize(layout.header)
    while at + width <= size:
        file.seek(at)
        name, length = struct.unpack(layout.header, file.read(width))
        if name == layout.sound:
            if length in _OPEN_ENDED:
                return Unknown()
            there = size - at - width
            if there < length:
                return Truncated(f"its header promises {length:,} bytes of sound and {there:,} are there")
            return Whole()
        at += width + max(0, length) + (length & 1 if layout.padded else 0)
    return Truncated("it ends before its sound begins")


def _check_mp4(file: BinaryIO, size: int) -> State:
    """Walk the top-level atoms: all of them inside the file, with both an index (moov) and sound (mdat)."""
    at = 0
    seen = set()
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            wide = file.read(8)
            length = int.from_bytes(wide, "big") if len(wide) == 8 else 0
        elif length == 0 and name != b"\0\0\0\0":
            length = size - at  # "to the end of the file"
        if length < 8:
            return Truncated("it ends in a stretch that was never written")
        if at + length > size:
            return Truncated(f"{at + length - size:,} of its {at + length:,} bytes are missing")
        seen.add(name)
        at += length
    if at != size:
        return Truncated("its last block is cut off")
    for needed, what in ((b"moov", "index"), (b"mdat", "sound")):
        if needed not in seen:
            return Truncated(f"it has no {what} ({needed.decode()}) yet")
    return Whole()


def _check_ogg(file: BinaryIO, size: int) -> State:
    """Find the last page; it must end where the file ends and carry the end-of-stream mark."""
    file.seek(max(0, size - 2 * _OGG_LARGEST_PAGE))
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:] if at >= 0 else b""
    segments = page[26] if len(page) >= _OGG_HEADER else 0
    table = page[_OGG_HEADER : _OGG_HEADER + segments]
    if len(page) < _OGG_HEADER or len(table) < segments or len(page) < _OGG_HEADER + segments + sum(table):
        return Truncated("its last page is cut off")
    rest = page[_OGG_HEADER + segments + sum(table) :]
    if rest and not any(rest):
        return Truncated("it ends in a stretch that was never written")
    if not page[5] & _OGG_LAST_PAGE:
        return Truncated("it has no end-of-stream mark", playable=True)
    return Whole()
