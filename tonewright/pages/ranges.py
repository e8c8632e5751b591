"""Parts of a sound: browsers ask for byte ranges, and some play nothing without them (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


class Unsatisfiable(ValueError):
    """The range lies outside of what there is."""


def part(header: str, size: int) -> tuple[int, int] | None:
    """The bytes `[start:stop)` of `size` that a Range header names; None to send all of them.

    As the standard asks, a header that is no single range of bytes is as good as none. Raises `Unsatisfiable`.
    """
    found = _RANGE.fullmatch(header.strip().lower())
    if found is None:
        return None
    first, last, ending = found.groups()
    if ending is not None:
        start, stop = max(0, size - int(ending)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= min(stop, size):
        raise Unsatisfiable(header)
    return start, stop
