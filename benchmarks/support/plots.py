"""A learning curve as an SVG file that reads well on light and dark pages, without a plotting library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 56, 48, 132, 48
COLOURS = ("#2f6f9f", "#c0562b", "#4d8b4d", "#8a5a9e")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#444}.grid{stroke:#8884}.title{font-size:15px;font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
)


def curve(
    file: Path, title: str, across: str, series: Mapping[str, Sequence[tuple[float, float]]], *, log: bool = True
) -> None:
    """Draw lines of (x, share from 0 to 1) and write them to `file`; `log` spaces x by its logarithm."""
    xs = sorted({x for points in series.values() for x, _ in points})

    def place(x: float) -> float:
        low, high = (math.log(xs[0]), math.log(xs[-1])) if log else (xs[0], xs[-1])
        return LEFT + (WIDTH - LEFT - RIGHT) * ((math.log(x) if log else x) - low) / (high - low)

    def height(share: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>']
    out.append(f'<title>{escape(title)}</title><text class="title" x="{LEFT}" y="26">{escape(title)}</text>')
    for tenth in range(0, 11, 2):
        y = height(tenth / 10)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10:.1f}</text>')
    for x in xs:
        out.append(f'<text x="{place(x):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{x:g}</text>')
    out.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
    )
    for (name, points), colour in zip(series.items(), COLOURS):
        path = " ".join(f"{place(x):.1f},{height(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{place(x):.1f}" cy="{height(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        end = height(points[-1][1]) + 4
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{end:.1f}" style="fill:{colour}">{escape(name)}</text>')
    file.write_text("\n".join([*out, "</svg>\n"]), encoding="utf-8")


def ranges(file: Path, title: str, groups: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> None:
    """Draw (value, low, high) as dots with bars, a line each under its group's name, on a logarithmic scale."""
    lines = [(group, name, figure) for group, found in groups.items() for name, figure in found.items()]
    least, most = min(low for *_, (_, low, _) in lines), max(high for *_, (_, _, high) in lines)
    names = list(dict.fromkeys(name for _, name, _ in lines))
    left, right, step = 190, 40, 26
    height = TOP + step * (len(lines) + len(groups)) + BOTTOM

    def place(x: float) -> float:
        low, high = math.log(least) - 0.1, math.log(most) + 0.1
        return left + (WIDTH - left - right) * (math.log(x) - low) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><style>{STYLE}</style>']
    out.append(f'<title>{escape(title)}</title><text class="title" x="20" y="26">{escape(title)}</text>')
    bottom = height - BOTTOM + 8
    for tick in (t * 10**power for power in range(5) for t in (1, 2, 5)):
        if least <= tick <= most:
            out.append(f'<line class="grid" x1="{place(tick):.1f}" x2="{place(tick):.1f}" y1="{TOP}" y2="{bottom}"/>')
            out.append(f'<text x="{place(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    y, above = float(TOP), ""
    for group, name, (value, low, high) in lines:
        if group != above:
            y, above = y + step, group
            out.append(f'<text x="20" y="{y:.1f}" style="font-weight:600">{escape(group)}</text>')
        y += step
        colour = COLOURS[names.index(name) % len(COLOURS)]
        out.append(f'<text x="{left - 12}" y="{y:.1f}" text-anchor="end" style="fill:{colour}">{escape(name)}</text>')
        out.append(
            f'<line x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y - 4:.1f}" y2="{y - 4:.1f}" '
            f'stroke="{colour}" stroke-width="3"/><circle cx="{place(value):.1f}" cy="{y - 4:.1f}" r="5" '
            f'fill="{colour}"><title>{value:.1f} ({low:.1f} to {high:.1f})</title></circle>'
        )
    file.write_text("\n".join([*out, "</svg>\n"]), encoding="utf-8")
