"""Who tracks the pitch, chosen by `notes.extractor`; its id is kept with every number, so that none are mixed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from tonewright.notes import pitch, praat
from tonewright.notes.prosody import EXTRACTOR

if TYPE_CHECKING:
    from tonewright.notes.prosody import Tracker


class Extractor(NamedTuple):
    """`id` changes whenever the same recording may get other numbers."""

    id: str
    track: Tracker


def _numpy() -> Extractor:
    return Extractor(EXTRACTOR, pitch.contour)


def _praat() -> Extractor:
    release = "missing"
    with suppress(importlib.metadata.PackageNotFoundError):
        release = importlib.metadata.version("praat-parselmouth")
    return Extractor(f"praat-{release}-1", praat.contour)


EXTRACTORS: dict[str, Callable[[], Extractor]] = {"numpy": _numpy, "praat": _praat}


def make_extractor(use: str) -> Extractor:
    """The extractor called `use`; one whose library is missing says so when it is used."""
    return EXTRACTORS[use]()
