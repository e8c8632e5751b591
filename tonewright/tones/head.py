"""A multinomial logistic head in numpy: fitted, calibrated and evaluated without a machine-learning library.

Imported lazily (by the embedded tagger), which is why numpy may stand at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STEPS = 300  # of accelerated gradient at most: the training loss moves in its fourth digit after about 150
ENOUGH = 1e-5  # of the first gradient's length: the minimum is found
CAUTION = 6.0  # 1 / (2 variance) of the prior on a temperature's logarithm; chosen on the passages in examples/
TEMPERATURES = np.exp(np.linspace(np.log(0.05), np.log(8.0), 81))


@dataclass(frozen=True)
class Head:
    """Class probabilities of rows of width d: softmax((x W + b) / temperature)."""

    classes: tuple[str, ...]
    weights: Floats  # (d, k)
    bias: Floats  # (k,)
    temperature: float = 1.0

    def logits(self, X: ArrayLike) -> Floats:
        """Uncalibrated scores, (n, k)."""
        return np.asarray(X, dtype=np.float64) @ self.weights + self.bias

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated probabilities, (n, k); every row sums to one."""
        return softmax(self.logits(X) / self.temperature)


def softmax(z: NDArray[np.floating]) -> Floats:
    """Row by row, safe for large scores."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), dtype=np.float64)


def fit(X: ArrayLike, y: Sequence[str], classes: Sequence[str], C: float) -> Head:
    """The head that minimises `0.5 |W|^2 + C sum_i loss_i`; the bias is free.

    `X` is (n, d) and `y` holds n names out of `classes`. The loss is the cross-entropy and the constant `C` means
    what it means in scikit-learn. Nesterov's accelerated
    gradient with the step 1/L, L being a bound on the curvature, runs from zero, in single precision: the same
    input gives the same head, bit for bit on one machine.
    """
    rows: Floats = np.asarray(X, dtype=np.float64)
    basis = None
    if 2 * len(rows) < rows.shape[1]:  # the weights lie in the span of the rows: far fewer numbers, the same minimum
        basis = np.linalg.qr(rows.T)[0]
        rows = rows @ basis
    Z = np.hstack([rows, np.ones((len(rows), 1))]).astype(np.float32)  # the last column is the bias
    target = np.array([[name == c for c in classes] for name in y], dtype=np.float64)
    ridge = np.ones((Z.shape[1], 1))
    ridge[-1] = 0.0
    # The softmax's Hessian is at most 1/2 (Böhning 1992), so the whole is at most 1 + C/2 |Z|^2.
    step = 1.0 / (1.0 + 0.5 * C * _largest(Z))
    W = ahead = np.zeros((Z.shape[1], len(classes)))
    least = 0.0
    for i in range(STEPS):
        error = softmax(Z @ ahead.astype(np.float32)) - target
        gradient = ridge * ahead + C * (Z.T @ error.astype(np.float32))
        length = float(np.linalg.norm(gradient))
        least = least or ENOUGH * length
        if length <= least:
            break
        stepped = ahead - step * gradient
        ahead = stepped + i / (i + 3.0) * (stepped - W)
        W = stepped
    return Head(tuple(classes), W[:-1] if basis is None else basis @ W[:-1], W[-1])


def _largest(A: NDArray[np.float32]) -> float:
    """The square of A's spectral norm, found by power iteration, with a twentieth on top for what it falls short."""
    v = np.ones(A.shape[1], dtype=np.float32)
    for _ in range(30):
        v = A.T @ (A @ v)
        v /= max(float(np.linalg.norm(v)), 1e-300)
    return 1.05 * float(np.linalg.norm(A @ v)) ** 2


def out_of_fold(
    X: ArrayLike,
    y: Sequence[str],
    classes: Sequence[str],
    C: float,
    folds: int = 7,
    most: int = 1_000_000,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Logits (n, k) of rows from heads that did not see them, and which rows have them (n,).

    All folds are predicted, or as many as it takes to have `most` rows: every fold costs a fit.

    Within each class the rows are dealt to the folds in turn, so equal ranks land in one fold: the shipped
    exemplars, which tell each of their subjects once per tone in the same order, are split by subject, and a
    head cannot look good by recognising the subject.
    """
    X = np.asarray(X, dtype=np.float64)
    dealt: dict[str, int] = {}
    fold = np.empty(len(X), dtype=np.int64)
    for i, name in enumerate(y):
        fold[i] = dealt.get(name, 0) % folds
        dealt[name] = dealt.get(name, 0) + 1
    logits, done = np.zeros((len(X), len(classes))), np.zeros(len(X), dtype=bool)
    for k in np.unique(fold):
        seen, unseen = fold != k, fold == k
        if seen.any() and done.sum() < most:
            head = fit(X[seen], [n for n, s in zip(y, seen) if s], classes, C)
            logits[unseen], done[unseen] = head.logits(X[unseen]), True
    return logits, done


def calibrate(head: Head, logits: Floats, y: Sequence[str]) -> Head:
    """`head` with the most probable temperature, given its out-of-fold `logits` (n, k) and what `y` really was.

    Temperature scaling (Guo et al. 2017): one number, found on a grid, which cannot change the order of the tones; it
    only makes a confidence of 0.7 mean right in seven cases out of ten. Its logarithm has a normal prior around 0, so
    that few examples move it a little and many to where they want it; no example leaves it at 1.
    """
    truth = np.array([head.classes.index(name) for name in y], dtype=np.int64)
    rows = np.arange(len(y))
    losses = [CAUTION * np.log(t) ** 2 - np.log(softmax(logits / t)[rows, truth] + 1e-12).sum() for t in TEMPERATURES]
    return replace(head, temperature=float(TEMPERATURES[int(np.argmin(losses))]))
