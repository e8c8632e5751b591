"""Elements of a drawing. Names and text are escaped by construction; widths are shares, so that a phone can show it.

A plot is one `<svg>` as wide as its page. What has to stretch with it (curves, the outline of a sound) sits in an
inner one that is scaled; text, ticks and bars are placed in percent and stay as sharp and as large as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

WIDTH = 1000.0  # units across an inner drawing

Point = tuple[float, float | None]  # share across (0 to 1), share up (0 to 1); None is a gap


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """`<name …>children</name>`; `class_` and `stroke_width` stand for names that Python cannot spell."""
    said = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _number(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), said, inside)  # noqa: S704 - names come from this program


def plot(height: int, label: str, *children: object, class_: str = "plot") -> Markup:
    """A drawing as wide as its place and `height` pixels high; `label` is what a screen reader says of it."""
    return tag("svg", *children, class_=class_, width="100%", height=height, role="img", aria_label=label)


def stretched(top: float, height: float, *children: object) -> Markup:
    """An inner drawing of `WIDTH` by 100 units that takes the whole width."""
    return tag(
        "svg",
        *children,
        x="0",
        y=top,
        width="100%",
        height=height,
        viewBox=f"0 0 {WIDTH:.0f} 100",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def curve(points: Iterable[Point], class_: str) -> Markup:
    """A line through `points`, broken at gaps; a point on its own is a short dash."""
    parts: list[str] = []
    run: list[str] = []
    for across, up in [*points, (0.0, None)]:
        if up is not None:
            run.append(f"{across * WIDTH:.1f} {100 * (1 - up):.1f}")
        elif run:
            parts.append("M" + "L".join(run) + ("h.5" if len(run) == 1 else ""))
            run = []
    return tag("path", d="".join(parts), class_=class_, vector_effect="non-scaling-stroke")


def outline(levels: Sequence[float], class_: str) -> Markup:
    """A sound as a shape around the middle; `levels` are 0 to 1, evenly spaced."""
    step = WIDTH / max(1, len(levels) - 1)
    above = [f"{i * step:.1f} {50 - 48 * level:.1f}" for i, level in enumerate(levels)]
    below = [f"{i * step:.1f} {50 + 48 * level:.1f}" for i, level in reversed(list(enumerate(levels)))]
    return tag("path", d="M" + "L".join([*above, *below]) + "Z", class_=class_)


def percent(share: float) -> str:
    """A share as a length."""
    return f"{100 * share:.3f}%"


def _number(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value
