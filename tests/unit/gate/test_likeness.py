"""Whether the distance from the author tells the author from somebody else."""

from __future__ import annotations

from collections.abc import Sequence

from tonewright.gate.likeness import likeness

DRY = (
    "The rope came on a lorry. It was long, and it was late, and so was I. I said so. Nobody minded.",
    "I have done the sum. It does not come out. It never has, and I have stopped asking it to.",
    "There is a sign. People read the sign, and then they try the gate. I watch them do it.",
    "He asked for the key. I gave him the key. He asked if there was another. There was not.",
)
GUSHING = (
    "What an absolutely wonderful, truly magical day it has been for all of us here by the glittering sea!",
    "You would simply never believe how many amazing visitors we have welcomed this incredible summer!",
    "Oh, how our hearts sang when the marvellous old carriages rolled past their adoring, cheering crowd!",
)


def _many(texts: Sequence[str], times: int) -> list[str]:
    """The texts over and over, each time from another one on."""
    return [texts[(i + i // len(texts)) % len(texts)] for i in range(times)]


def test_author_is_nearer_to_the_author_than_a_stranger() -> None:
    """New text in the author's manner is nearer than gushing text, and the intervals do not touch."""
    author = [f"{a} {b}" for a, b in zip(_many(DRY, 90), _many(DRY[::-1], 90))]
    own, other = likeness(_many(DRY, 12), author), likeness(_many(GUSHING, 12), author)
    assert own and other
    assert own.high < other.low
    assert own.low <= own.distance <= own.high


def test_too_little_text_gives_no_number() -> None:
    """With a page of the author's text there is no spread to measure by, and nothing is claimed."""
    assert likeness(DRY, DRY) is None
    assert likeness([], [f"{t} {t}" for t in _many(DRY, 200)]) is None
