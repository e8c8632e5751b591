"""The logistic head: right, calibrated, and the same every time."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")

from tonewright.tones.head import calibrate, fit, out_of_fold, softmax  # noqa: E402  (numpy is an extra)

CLASSES = ("a", "b", "c")


def blobs(n: int, spread: float = 1.0, seed: int = 0):  # type: ignore[no-untyped-def]
    """n points around each of three corners, in class order within each triple."""
    rng = np.random.default_rng(seed)
    corners = np.array([[4.0, 0, 0, 7.0], [0, 4.0, 0, 7.0], [0, 0, 4.0, 7.0]])
    X = np.vstack([corners + spread * rng.normal(size=(3, 4)) * [1, 1, 1, 0] for _ in range(n)])
    return X, list(CLASSES) * n


def test_it_learns() -> None:
    """Well separated classes are told apart on points that the fit has not seen, constant columns or not."""
    X, y = blobs(20)
    unseen, truth = blobs(20, seed=1)
    p = fit(X, y, CLASSES, C=1.0).predict_proba(unseen)
    assert np.allclose(p.sum(axis=1), 1)
    assert np.mean([CLASSES[i] == t for i, t in zip(p.argmax(axis=1), truth)]) > 0.9


def test_the_minimum_is_a_minimum() -> None:
    """At the solution, the gradient of `0.5 |W|^2 + C sum loss` is zero in every weight and bias."""
    X, y = blobs(20, spread=3)
    head = fit(X, y, CLASSES, C=0.05)
    error = softmax(head.logits(X)) - np.array([[t == c for c in CLASSES] for t in y])
    assert np.abs(head.weights + 0.05 * X.T @ error).max() < 1e-3
    assert np.abs(0.05 * error.sum(axis=0)).max() < 1e-3


def test_deterministic() -> None:
    """The same input gives the same bits."""
    X, y = blobs(10)
    assert fit(X, y, CLASSES, 0.1).weights.tobytes() == fit(X, y, CLASSES, 0.1).weights.tobytes()


def test_out_of_fold_is_honest() -> None:
    """On labels without meaning, rows are predicted at chance; a head that had seen them would be right."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(90, 200)), list(CLASSES) * 30
    seen = fit(X, y, CLASSES, 1.0).logits(X).argmax(axis=1)
    unseen = out_of_fold(X, y, CLASSES, 1.0)[0].argmax(axis=1)
    truth = np.arange(90) % 3
    assert (seen == truth).mean() == 1
    assert (unseen == truth).mean() < 0.55


def test_calibration_makes_confidence_honest() -> None:
    """Scaled, the mean confidence on unseen points is near the share that is right; the order stays."""
    X, y = blobs(60, spread=3.5)
    unseen, truth = blobs(400, spread=3.5, seed=5)
    raw = fit(X, y, CLASSES, C=0.002)
    head = calibrate(raw, out_of_fold(X, y, CLASSES, 0.002)[0], y)
    p = head.predict_proba(unseen)
    right = np.mean([CLASSES[i] == t for i, t in zip(p.argmax(axis=1), truth)])
    assert abs(p.max(axis=1).mean() - right) < 0.06
    assert abs(raw.predict_proba(unseen).max(axis=1).mean() - right) > 0.1
    assert (p.argmax(axis=1) == raw.predict_proba(unseen).argmax(axis=1)).all()


def test_few_examples_move_the_confidence_a_little() -> None:
    """Examples that were all right make the head surer, the more of them the surer, and none leaves it as it was."""
    X, y = blobs(40)
    raw = fit(X, y, CLASSES, C=0.002)
    temperatures = [calibrate(raw, raw.logits(X)[:n], y[:n]).temperature for n in (0, 3, 12, 120)]
    assert temperatures[0] == pytest.approx(1.0, abs=0.05)
    assert temperatures == sorted(temperatures, reverse=True)
    assert temperatures[3] < 0.5 < temperatures[1] < 1.0
