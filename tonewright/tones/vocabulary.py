"""The tones that this author uses, and the refusal of any other."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from tonewright.errors import BadInput, ConfigError
from tonewright.posts.html import ELEMENTS

_NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Vocabulary:
    """Tone names in the author's order. Raises `ConfigError` for a name that cannot be written as a mark."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a vocabulary whose marks would be ambiguous."""
        if not self.names:
            raise ConfigError("tones.names is empty", "list at least one tone, such as plain")
        for name in self.names:
            if not _NAME.fullmatch(name):
                raise ConfigError(f"tones.names holds {name!r}", "use lower-case letters, digits and hyphens")
            if name in ELEMENTS:
                raise ConfigError(f"tones.names holds {name!r}, which is an element of HTML", "choose another word")
            if self.names.count(name) > 1:
                raise ConfigError(f"tones.names lists {name!r} twice", "remove one of them")

    def check(self, tone: str, where: str) -> str:
        """`tone`, if it is known; else `BadInput` naming `where` (`path:line`) and the nearest tone."""
        if tone in self.names:
            return tone
        nearest = self.nearest(tone)
        raise BadInput(
            f"unknown tone {tone!r} at {where}",
            (f"did you mean {nearest}? " if nearest else "") + f"(known: {', '.join(self.names)})",
        )

    def nearest(self, word: str, likeness: float = 0.5) -> str | None:
        """The known tone most like `word`; None below `likeness` (difflib's ratio, 0 to 1)."""
        found = difflib.get_close_matches(word.lower(), self.names, n=1, cutoff=likeness)
        return found[0] if found else None
