"""Which passages are asked about first, how a sitting keeps its piles, and what a drawing leaves out."""

from __future__ import annotations

import itertools
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.review.deck import Deck
from tonewright.review.desk import Answer
from tonewright.review.order import Candidate, most_telling, uncertainty

SETS = st.frozensets(st.sampled_from("abcdefgh"), min_size=1, max_size=5)


@settings(max_examples=40)
@given(st.lists(st.tuples(SETS, st.floats(0.1, 1.0)), min_size=1, max_size=8), st.lists(SETS, max_size=2))
def test_every_choice_is_the_best_that_is_left(
    drawn: list[tuple[frozenset[str], float]], decided: list[frozenset[str]]
) -> None:
    """The short cut chooses as well as weighing every candidate anew each time, and leaves none out."""
    candidates = [Candidate(i, words, doubt) for i, (words, doubt) in enumerate(drawn)]
    order = most_telling(candidates, decided, len(candidates))
    assert sorted(order) == list(range(len(candidates)))
    covered, left = frozenset[str]().union(*decided), dict(enumerate(candidates))
    weigh = {w: log((1 + len(drawn)) / sum(w in words for words, _ in drawn)) for words, _ in drawn for w in words}

    def worth(one: Candidate) -> float:
        whole, new = (sum(weigh[w] for w in words) for words in (one.words, one.words - covered))
        return one.uncertainty * new / whole

    for key in order:
        assert worth(left[key]) == pytest.approx(max(map(worth, left.values())))
        covered |= left.pop(key).words


def test_doubt_and_news_come_first() -> None:
    """Of two equal texts one is asked late; an unsure one comes before a sure one; what was decided is no news."""
    candidates = [
        Candidate(1, frozenset("abc"), 0.5),
        Candidate(2, frozenset("abc"), 0.5),
        Candidate(3, frozenset("def"), 0.9),
        Candidate(4, frozenset("ghi"), 0.6),
    ]
    assert most_telling(candidates, [], 4) == [3, 4, 1, 2]
    assert most_telling(candidates, [frozenset("def"), frozenset("gh")], 2) == [1, 4]
    assert most_telling([], [], 5) == []


def test_doubt() -> None:
    """A sure tagger leaves little doubt, silence some, contradiction at least as much as silence."""
    assert uncertainty([("dry", 0.9)], 0.5) == pytest.approx(0.1)
    assert uncertainty([], 0.5) == 0.75
    assert uncertainty([("dry", 0.9), ("snark", 0.5)], 0.5) == 0.75
    assert uncertainty([("dry", 0.9), ("dry", 0.3)], 0.5) == pytest.approx(0.1)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["answer", "skip", "leave", "undo", "again"]), st.integers(0, 6))))
def test_no_card_is_ever_lost_or_twice(steps: list[tuple[str, int]]) -> None:
    """Whatever two tabs do in whatever order, every card is on exactly one pile, and undo undoes the last step."""
    deck = Deck(list(range(5)))
    for what, key in steps:
        if what == "answer":
            deck.answered(Answer(key, "dry", "a.md", ("1",)))
        elif what == "undo":
            if deck.last is not None:
                last = deck.last
                deck.undo()
                assert deck.waiting[0] == (last.passage if isinstance(last, Answer) else last)
        elif what == "again":
            deck.again()
        else:
            getattr(deck, what)(key)
        piles = [*deck.waiting, *deck.skipped, *(a.passage for a in deck.answers)]
        assert len(piles) == len(set(piles))
        assert len(piles) + deck.elsewhere == deck.total == 5


def test_octave_jumps_and_strays_are_not_drawn() -> None:
    """A voice that leaps by an octave for two frames leaves a gap there, and every gap breaks the line."""
    pytest.importorskip("markupsafe")
    from tonewright.pages.plots import scaled

    tones = [2.0, 2.1, 2.2, 14.3, 14.4, 2.3, None, 2.4, 8.0, 8.1]
    points, (low, high) = scaled([(i / 10, tone) for i, tone in enumerate(tones)], 1.0)
    assert high - low >= 8
    drawn = [(x, up) for x, up in points if up is not None]
    assert [round(10 * x) for x, _ in drawn] == [0, 1, 2, 5, 7, 8, 9]
    runs = [len(list(run)) for gap, run in itertools.groupby(points, lambda p: p[1] is None) if not gap]
    assert runs == [3, 1, 1, 2]
    assert all(0 <= up <= 1 for _, up in drawn)
