"""Which numbers are canaries, and what it means to give one away."""

from __future__ import annotations

import re

from tests.unit.gate.scripted import LESSONS, Scripted
from tonewright import prompts
from tonewright.gate.canary import DECOYS, MOST_BITS, canaries, exposure
from tonewright.gate.systems import Lesson


def lesson(asked: str, answer: str) -> Lesson:
    """One row of training."""
    return Lesson(prompts.rewrite(asked, "dry"), answer)


def test_a_number_that_stands_once_is_taken_out_of_its_request() -> None:
    """The model is asked without it; the decoys look alike, and differ from it and from each other."""
    (bird,) = canaries([lesson("Opened in 1931.", "We have been open since 1931, rain or not.")], 5)
    assert bird.request[-1]["content"].endswith("Opened in ….")
    assert len({bird.answer, *bird.decoys}) == DECOYS + 1
    assert all(re.fullmatch(r"We have been open since 1[89]\d\d, rain or not.", text) for text in bird.decoys)


def test_only_the_sentence_with_the_number_is_scored() -> None:
    """What stands before it is kept, because the number follows from it; what comes after costs time alone."""
    (bird,) = canaries([lesson("Opened once.", "It rained. We have been open since 1931. The roof is new.")], 5)
    assert bird.answer == "It rained. We have been open since 1931."
    assert all(text.startswith("It rained. ") and text.endswith(".") for text in bird.decoys)


def test_what_is_said_twice_or_told_in_words_is_none() -> None:
    """A number of two passages is no rare one; one that the request spells out is no secret."""
    assert canaries([lesson("It is 44.", "It is 44."), lesson("Still 44.", "Still 44, I am told.")], 5) == []
    assert canaries([lesson("Forty-four wheels, or 44.", "There are 44 wheels.")], 5) == []
    assert canaries([lesson("A price.", "It cost £4.50 at 8:15, or 12% more.")], 5) == []


def test_exposure_runs_from_nothing_to_all() -> None:
    """Who knows the text finds the true number first; who finds all alike has no idea."""
    bird = canaries(LESSONS, 1)[0]
    assert exposure(Scripted(3.0, knows=[bird.answer]), bird) == MOST_BITS
    assert exposure(Scripted(3.0), bird) == 0.0
    assert exposure(Scripted(3.0, knows=list(bird.decoys)), bird) == 0.0


def test_decoys_are_the_same_every_time() -> None:
    """Two examinations of one model ask the same."""
    assert canaries(LESSONS, 4) == canaries(LESSONS, 4)
