"""What a handful of passages can prove: a figure with its 95 % interval, and the difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DRAWS = 2000
_EDGES = (2.5, 97.5)  # percentiles


class Estimate(NamedTuple):
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Counted(NamedTuple):
    """One value per passage, and its weight: the figure is sum(values) / sum(weights)."""

    values: Sequence[float]
    weights: Sequence[float]

    @property
    def figure(self) -> float:
        """sum(values) / sum(weights); 0 where nothing has weight."""
        weight = sum(self.weights)
        return sum(self.values) / weight if weight else 0.0


class Resamples:
    """The same passages drawn again and again, for every figure alike, so that differences are paired.

    A draw takes posts with replacement and, of each, its passages with replacement: passages of one post are not
    independent of each other (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997,
    section 3.8). The percentiles of 2,000 draws are the interval; the same passages give the same one every time.
    """

    def __init__(self, posts: Sequence[str]) -> None:
        import numpy as np

        dice = np.random.default_rng(0)
        names = list(dict.fromkeys(posts))
        members = [[i for i, post in enumerate(posts) if post == name] for name in names]
        sizes = np.array([len(own) for own in members])
        passages = np.array([own + [0] * (max(sizes) - len(own)) for own in members])  # filled up to one width
        drawn = dice.integers(0, len(names), size=(_DRAWS, len(names)))
        size = sizes[drawn][..., None]
        place = (dice.random((*drawn.shape, max(sizes))) * size).astype(int)
        picked = passages[drawn[..., None], place] + len(posts) * np.arange(_DRAWS)[:, None, None]
        picked = picked[np.arange(max(sizes)) < size]  # of a post with n passages, n are drawn
        # How often each passage is in each draw, shape (draws, passages).
        self._times = np.bincount(picked, minlength=_DRAWS * len(posts)).reshape(_DRAWS, len(posts)).astype(float)

    def estimate(self, counted: Counted) -> Estimate:
        """The figure with its interval; draws without any weight say nothing, and are left out."""
        return _estimate(counted.figure, self._drawn(counted))

    def difference(self, new: Counted, old: Counted) -> Estimate:
        """`new` minus `old`, both of the same passages in every draw."""
        return _estimate(new.figure - old.figure, self._drawn(new) - self._drawn(old))

    def _drawn(self, counted: Counted) -> NDArray[np.float64]:
        import numpy as np

        weights = self._times @ np.asarray(counted.weights, dtype=np.float64)
        values = self._times @ np.asarray(counted.values, dtype=np.float64)
        drawn: NDArray[np.float64] = np.divide(values, weights, out=np.full_like(values, np.nan), where=weights > 0)
        return drawn


def told_apart(own: Sequence[float], others: Sequence[float]) -> Estimate:
    """How often a figure is higher for one of the author's texts than for one of the `others` (area under ROC).

    1 tells them apart every time and 0.5 never; equal figures count half (H. B. Mann and D. R. Whitney, 1947).
    Both sides are drawn with replacement for the interval.
    """
    import numpy as np

    mine, theirs = np.asarray(own, dtype=np.float64)[:, None], np.asarray(others, dtype=np.float64)[None]
    wins = (mine > theirs) + 0.5 * (mine == theirs)
    dice = np.random.default_rng(0)
    drawn = np.array(
        [
            wins[np.ix_(dice.integers(0, len(wins), len(wins)), dice.integers(0, wins.shape[1], wins.shape[1]))].mean()
            for _ in range(_DRAWS // 4)
        ]
    )
    return _estimate(float(wins.mean()), drawn)


def _estimate(value: float, drawn: NDArray[np.float64]) -> Estimate:
    import numpy as np

    said = drawn[np.isfinite(drawn)]
    low, high = np.percentile(said, _EDGES) if len(said) else (value, value)
    return Estimate(float(value), float(low), float(high))
