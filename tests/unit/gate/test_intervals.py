"""Intervals: wide where little is known, the same every time, and honest about passages of one post."""

from __future__ import annotations

from tonewright.gate.intervals import Counted, Resamples, told_apart


def test_interval_holds_the_figure_and_shrinks_to_nothing_without_spread() -> None:
    """The interval contains the weighted mean; where every passage says the same, it is a point."""
    draws = Resamples([str(n) for n in range(6)])
    found = draws.estimate(Counted([-1.0, -2.0, 0.5, -1.5, -0.5, -1.0], [1, 2, 1, 1, 1, 1]))
    assert found.value == -5.5 / 7
    assert found.low < found.value < found.high
    assert found == Resamples([str(n) for n in range(6)]).estimate(
        Counted([-1.0, -2.0, 0.5, -1.5, -0.5, -1.0], [1, 2, 1, 1, 1, 1])
    )
    assert draws.estimate(Counted([-1.0] * 6, [2.0] * 6)) == (-0.5, -0.5, -0.5)


def test_passages_of_one_post_say_less_than_as_many_posts() -> None:
    """Twelve passages from three posts leave more doubt than the same twelve from twelve posts."""
    values = Counted([float(n // 4) for n in range(12)], [1.0] * 12)
    posts, passages = Resamples([str(n // 4) for n in range(12)]), Resamples([str(n) for n in range(12)])
    by_post, by_passage = posts.estimate(values), passages.estimate(values)
    assert by_post.high - by_post.low > 1.3 * (by_passage.high - by_passage.low)


def test_difference_is_paired() -> None:
    """Two systems that differ by the same on every passage differ for sure, however the passages differ."""
    hard = [float(n * n) for n in range(8)]
    draws = Resamples([str(n) for n in range(8)])
    found = draws.difference(Counted([h - 1 for h in hard], [1.0] * 8), Counted(hard, [1.0] * 8))
    assert abs(found.low + 1) < 1e-9 and abs(found.high + 1) < 1e-9


def test_nothing_that_weighs_is_zero() -> None:
    """No facts to keep is no share of them, and no division by zero."""
    assert Resamples(["a", "a"]).estimate(Counted([0.0, 0.0], [0.0, 0.0])) == (0.0, 0.0, 0.0)


def test_two_groups_told_apart() -> None:
    """1 where every one is higher, a half where they are the same, with an interval around it."""
    assert told_apart([3.0, 4.0, 5.0], [0.0, 1.0]) == (1.0, 1.0, 1.0)
    same = told_apart([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0])
    assert same.low < 0.5 == same.value < same.high
