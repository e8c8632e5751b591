"""Passages before and after an edit find each other."""

from __future__ import annotations

from tonewright.corpus.revisions import Edit, edits

KETTLE = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
LOCK = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."
LATER = "The kettle gave up on Tuesday (of course), the day it usually picks, and I drink my tea from a pan."


def test_a_changed_passage_is_paired_with_what_it_was() -> None:
    """Only what changed counts; order and unchanged neighbours do not matter."""
    assert edits([KETTLE, LOCK], [LOCK, LATER]) == [Edit(KETTLE, LATER)]


def test_new_and_removed_passages_are_nobodys_edit() -> None:
    """A passage with other words is new, even where an old one has just gone."""
    assert edits([KETTLE], [LOCK]) == []
    assert edits([], [LOCK]) == []
    assert edits([KETTLE], []) == []


def test_each_passage_is_used_once_and_the_nearest_first() -> None:
    """Of two that resemble the same origin, the one that is more alike gets it."""
    near = KETTLE.replace("Tuesday", "Monday")
    assert edits([KETTLE], [LATER, near]) == [Edit(KETTLE, near)]


def test_an_unchanged_passage_is_no_origin() -> None:
    """A variation of a passage that stays is a new passage."""
    assert edits([KETTLE], [KETTLE, LATER]) == []
