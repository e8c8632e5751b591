"""What the figures say, in plain sentences: nothing is claimed that chance could have done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tonewright.gate.checks import FEW
from tonewright.limits.cells import ADAPTER, ALONE, AS_IS, Cell
from tonewright.limits.measuring import Measured
from tonewright.limits.sheet import QUALITIES, Quality, Sheet

Row = tuple[Cell, Measured]
_LEAST_BYTES = 1_000_000  # a difference that is worth a word


@dataclass(frozen=True)
class Verdict:
    """`picks` is the answer; `beside` compares, under a heading each; `failed` is what could not be measured."""

    picks: list[str]
    beside: list[tuple[str, list[str]]]
    failed: list[str]


def verdict(sheet: Sheet) -> Verdict:
    """The sentences for a sheet."""
    trained = [_trained(sheet, adapted, alone) for adapted, alone in _adapted(sheet.measured) if sheet.enough]
    groups = list(_groups(sheet.measured))
    few = f"{sheet.questions.aloud} passages are too few to claim a difference in what is written, {FEW} are needed."
    picks = [_pick(sheet, reference, others) for reference, others in groups] if sheet.enough else [few]
    return Verdict(
        picks,
        [("What training did", trained)] * bool(trained)
        + [(f"Beside {ref[0].name}", [_compared(sheet, one, ref) for one in others]) for ref, others in groups],
        [f"{cell.name} could not be measured: {found.failed}." for cell, found in sheet.rows if found.failed],
    )


def _groups(rows: Sequence[Row]) -> Iterator[tuple[Row, list[Row]]]:
    """(what is in use now, whatever else writes with the same training): bases alone, then each trained model."""
    for model in dict.fromkeys(cell.model for cell, _ in rows):
        own = [(cell, found) for cell, found in rows if cell.model == model]
        reference = next((row for row in own if row[0].form == AS_IS), None)
        others = [row for row in own if row is not reference]
        if reference and others:
            yield reference, others


def _adapted(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """(a base as it is with an adapter, the same without)."""
    alone = {cell.base.sha256: (cell, found) for cell, found in rows if (cell.form, cell.way) == (AS_IS, ALONE)}
    for cell, found in rows:
        if (cell.form, cell.way) == (AS_IS, ADAPTER) and cell.base.sha256 in alone:
            yield (cell, found), alone[cell.base.sha256]


def _pick(sheet: Sheet, reference: Row, others: Sequence[Row]) -> str:
    """The smallest and the fastest of what is no worse than the reference."""
    lead = f"With model {reference[0].model}" if reference[0].model else "Without a trained model"
    fit = [reference, *(row for row in others if not _changes(sheet, row, reference, -1))]
    if len(fit) == 1:
        return f"{lead}, stay with {reference[0].name}: every other form writes worse somehow, beyond chance."
    small = min(fit, key=lambda row: row[1].disk)
    best = max(found.pace.low for _, found in fit)
    fast = [row for row in fit if row[1].pace.high >= best]
    quick = _list([f"{cell.name} ({found.pace.value:.0f} tokens a second)" for cell, found in fast])
    fastest = f"the fastest are {quick}, too close to call" if len(fast) > 1 else f"the fastest is {quick}"
    told = f"{lead}, no worse than {reference[0].name}, as far as {sheet.questions.aloud} passages can show"
    return f"{told}: the smallest is {small[0].name} ({size(small[1].disk)}); {fastest}."


def _trained(sheet: Sheet, adapted: Row, alone: Row) -> str:
    gained, lost = _changes(sheet, adapted, alone, 1), _changes(sheet, adapted, alone, -1)
    said = f"Model {adapted[0].model} on {adapted[0].base.name} {_costs(sheet, lost)}"
    return f"{said}, and gives you {_list(gained) if gained else 'nothing that they could show'}."


def _compared(sheet: Sheet, one: Row, reference: Row) -> str:
    """What it costs, what it gives, and what it takes."""
    gained, lost = _changes(sheet, one, reference, 1), _changes(sheet, one, reference, -1)
    said = f"{one[0].name} {_costs(sheet, lost)}"
    said += f", gives you {_list(gained)}" if gained else ""
    spared = [_spared(getattr(reference[1], kind) - getattr(one[1], kind), kind) for kind in ("disk", "memory")]
    return f"{said}; it {_list([s for s in (*spared, _pace(one[1], reference[1])) if s])}."


def _costs(sheet: Sheet, lost: Sequence[str]) -> str:
    if not sheet.enough:
        return "cannot be told from it in what it writes"
    return f"costs you {_list(lost) if lost else f'nothing that {sheet.questions.aloud} passages could show'}"


def _changes(sheet: Sheet, one: Row, reference: Row, direction: int) -> list[str]:
    """What is surely better (1) or worse (-1), each with its interval."""
    return [
        _amount(sheet, one[1], reference[1], quality)
        for quality in QUALITIES
        if sheet.surely(one[1], reference[1], quality) == direction
    ]


def _amount(sheet: Sheet, one: Measured, reference: Measured, quality: Quality) -> str:
    found = sheet.difference(one, reference, quality)
    assert found is not None  # or it would not be sure
    low, high = sorted((found.low, found.high), key=abs)
    unit = quality.unit[0 if found.value > 0 else 1]
    return f"{quality.change(found.value)} {unit} ({quality.change(low)} to {quality.change(high)})"


def _spared(bytes_: int, kind: str) -> str:
    if abs(bytes_) < _LEAST_BYTES:
        return ""
    return f"saves {size(bytes_)} of {kind}" if bytes_ > 0 else f"takes {size(-bytes_)} more {kind}"


def _pace(one: Measured, reference: Measured) -> str:
    if one.pace.low <= reference.pace.high and reference.pace.low <= one.pace.high:
        return "writes at a speed that cannot be told from it"
    return f"writes {one.pace.value / reference.pace.value:.1f} times as fast"


def _list(parts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)


def size(count: float) -> str:
    """Bytes as people read them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
