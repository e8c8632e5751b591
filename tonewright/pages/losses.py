"""The loss of a training run, drawn: every step pale, their running mean above it, and the held-out text's loss."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from markupsafe import Markup

from tonewright.pages.svg import curve, percent, plot, stretched, tag

_HEIGHT, _SPARK = 200, 30  # pixels
_SMOOTH = 15  # the running mean takes in one point of so many on either side
_EDGE = 0.008  # of the width: a dot at the very side would be cut in half
_OUTLIERS = 0.03  # share of the steps that may leave the drawing at its top, and at its bottom

Loss = Sequence[float]  # [step, nats per token]


def losses(
    points: Sequence[Loss],
    heldout: tuple[float, float] | None,
    steps: int,
    what: tuple[str, str] = ("Training loss", "nats per token"),
) -> Markup:
    """`points` over `steps` steps, a scale beside them; `heldout` is its loss before the first and after the last.

    `what` is the loss and its unit, for those who hear the drawing read out.
    """
    values = [loss for _, loss in points]
    smooth = running_mean(values)
    ordered, last = sorted(values), len(values) - 1
    known = [ordered[int(_OUTLIERS * last)], ordered[int((1 - _OUTLIERS) * last)], *smooth, *(heldout or ())]
    low, high = min(known), max(known)
    margin = 0.08 * (high - low or 1.0)
    low, high = low - margin, high + margin

    def up(loss: float) -> float:
        share: float = (loss - low) / (high - low)
        return min(1.0, max(0.0, share))

    across = [step / max(1, steps) for step, _ in points]
    ticks = [low + share * (high - low) for share in (0.1, 0.5, 0.9)]
    label = f"{what[0]} {smooth[0]:.2f} to {smooth[-1]:.2f} {what[1]} over {steps} steps"
    shapes = [
        *(tag("line", x1="0", x2="100%", y1=y, y2=y, class_="rule") for y in (_HEIGHT * (1 - up(t)) for t in ticks)),
        stretched(0, _HEIGHT, curve(list(zip(across, map(up, values))), "every")),
        stretched(0, _HEIGHT, curve(list(zip(across, map(up, smooth))), "pitch")),
    ]
    if heldout:
        before, after = (_HEIGHT * (1 - up(loss)) for loss in heldout)
        label += f"; held-out {heldout[0]:.2f} before, {heldout[1]:.2f} after"
        shapes += [
            tag("line", x1=percent(_EDGE), y1=before, x2=percent(1 - _EDGE), y2=after, class_="held-out"),
            tag("circle", cx=percent(_EDGE), cy=before, r=5, class_="held-out"),
            tag("circle", cx=percent(1 - _EDGE), cy=after, r=5, class_="held-out"),
        ]
    scale = [tag("text", f"{t:.2f}", x="100%", dx=-8, y=_HEIGHT * (1 - up(t)) + 4, text_anchor="end") for t in ticks]
    return tag(
        "div",
        tag("svg", *scale, class_="plot scale", height=_HEIGHT, aria_hidden="true"),
        plot(_HEIGHT, label, *shapes),
        class_="voice",
    )


def spark(points: Sequence[Loss]) -> Markup:
    """The same in a line of text: the running mean alone."""
    smooth = running_mean([loss for _, loss in points])
    low, high = min(smooth), max(smooth)
    ups = [0.1 + 0.8 * (loss - low) / (high - low or 1.0) for loss in smooth]
    line = curve([(number / max(1, len(ups) - 1), up) for number, up in enumerate(ups)], "pitch")
    return plot(_SPARK, f"loss {smooth[0]:.2f} to {smooth[-1]:.2f}", stretched(0, _SPARK, line))


def running_mean(values: Sequence[float]) -> list[float]:
    """Each value's mean with its neighbours."""
    reach = len(values) // _SMOOTH
    return [fmean(values[max(0, i - reach) : i + reach + 1]) for i in range(len(values))]
