"""The vocabulary: what it takes and what it says to the rest."""

from __future__ import annotations

import pytest

from tonewright.errors import BadInput, ConfigError
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))


def test_known_tone_passes() -> None:
    """A known tone comes back as it is."""
    assert TONES.check("dry", "p.md:3") == "dry"


def test_unknown_tone_names_place_nearest_and_known() -> None:
    """A slip of the fingers is refused with its place, the nearest tone and the whole list."""
    with pytest.raises(BadInput) as e:
        TONES.check("snrk", "p.md:3")
    assert str(e.value) == (
        "unknown tone 'snrk' at p.md:3: did you mean snark? (known: snark, dry, sincere, playful, wistful, plain)"
    )


def test_nothing_is_near() -> None:
    """A word like none of the tones gets the list without a guess."""
    with pytest.raises(BadInput) as e:
        TONES.check("xyzzy", "p.md:3")
    assert e.value.remedy.startswith("(known: ")


@pytest.mark.parametrize("names", [(), ("Dry",), ("a b",), ("",), ("dry", "dry"), ("strong",), ("<x>",)])
def test_names_that_could_not_be_marks(names: tuple[str, ...]) -> None:
    """An empty list, odd characters, doubles and names of HTML elements are configuration errors."""
    with pytest.raises(ConfigError):
        Vocabulary(names)
