"""The verdict on what was measured: what is claimed, what is not, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.gate.intervals import Counted, Estimate
from tonewright.gate.systems import Item
from tonewright.limits.cells import ADAPTER, ALONE, AS_IS, MERGED, Cell
from tonewright.limits.measuring import COUNTS, Measured
from tonewright.limits.pace import in_words, seconds_left
from tonewright.limits.questions import Questions
from tonewright.limits.sheet import Sheet
from tonewright.limits.verdict import Verdict, verdict
from tonewright.models.base import BaseModel

ITEMS = 12
BASE = BaseModel("small", Path("small.gguf"), "b" * 64, "", "llama")
WIDE, NARROW = Estimate(20.0, 10.0, 30.0), Estimate(40.0, 39.0, 41.0)


def measured(loss: float, kept: float = 1.0, pace: Estimate = WIDE, disk: int = 100_000_000) -> Measured:
    """Figures with a little noise that is the same for everybody, so that differences are sharp."""
    ones = [1.0] * ITEMS
    counts = {name: Counted([0.5] * ITEMS, ones) for name in COUNTS}
    counts["loss"] = Counted([10 * loss + n % 3 for n in range(ITEMS)], [10.0] * ITEMS)
    counts["kept"] = Counted([kept] * ITEMS, ones)
    return Measured("", disk=disk, memory=2 * disk, pace=pace, first_token=WIDE, counts=counts)


def told(*rows: tuple[Cell, Measured], aloud: int = ITEMS) -> Verdict:
    """The verdict on rows."""
    items = [Item(str(n), "rewrite", "dry", [], "The lamp is old.", "the lamp", f"post {n // 2}") for n in range(ITEMS)]
    return verdict(Sheet(rows, Measured("own"), Questions(items, aloud, ["The lamp is old."] * 9, [])))


def trained(form: str, way: str) -> Cell:
    """A cell with model 1."""
    return Cell(BASE, form, way, 1)


def test_a_sure_loss_is_told_with_its_size_and_what_it_saves() -> None:
    """A quantisation that costs perplexity on every passage is told so, with the disk that it saves."""
    rows = (trained(AS_IS, ADAPTER), measured(2.0)), (trained("q4_k_m", MERGED), measured(2.1, disk=60_000_000))
    said = told(*rows)
    (sentence,) = dict(said.beside)["Beside small as it is with model 1's adapter"]
    assert sentence == (
        "small as q4_k_m with model 1 merged in costs you 10.5 % more perplexity (10.5 % to 10.5 %); "
        "it saves 40 MB of disk, saves 80 MB of memory and writes at a speed that cannot be told from it."
    )
    assert said.picks == [
        "With model 1, stay with small as it is with model 1's adapter: every other form writes worse somehow, "
        "beyond chance."
    ]


def test_nothing_is_claimed_of_what_chance_could_have_done() -> None:
    """Equal figures, and speeds whose ranges overlap, are told as no difference; both are fit to be picked."""
    rows = (Cell(BASE, AS_IS), measured(2.0)), (Cell(BASE, "q8_0"), measured(2.0, disk=60_000_000))
    said = told(*rows)
    ((_, (sentence,)),) = said.beside
    assert (
        "costs you nothing that 12 passages could show" in sentence
        and "a speed that cannot be told from it" in sentence
    )
    (pick,) = said.picks
    assert "the smallest is small as q8_0 (60 MB)" in pick and "too close to call" in pick


def test_the_fastest_is_named_when_it_is_surely_so() -> None:
    """Ranges of speed that do not meet are told as a ratio, and name one winner."""
    rows = (Cell(BASE, AS_IS), measured(2.0)), (Cell(BASE, "q8_0"), measured(2.0, pace=NARROW))
    said = told(*rows)
    ((_, (sentence,)),) = said.beside
    assert sentence.endswith("it writes 2.0 times as fast.")
    assert said.picks[0].endswith("the fastest is small as q8_0 (40 tokens a second).")


def test_too_few_passages_claim_nothing() -> None:
    """Below six answers, a difference on every one of them is still not told."""
    rows = (Cell(BASE, AS_IS), measured(2.0)), (Cell(BASE, "q8_0"), measured(3.0, kept=0.0))
    said = told(*rows, aloud=5)
    assert said.picks == ["5 passages are too few to claim a difference in what is written, 6 are needed."]
    assert "cannot be told from it in what it writes" in said.beside[0][1][0]


def test_training_is_compared_with_the_bare_base_and_failures_are_named() -> None:
    """What a model gained over its base is told, and a cell without figures says why instead of being compared."""
    died = Measured("", failed="its process was killed by signal 9")
    rows = (
        (Cell(BASE, AS_IS), measured(2.5, kept=1.0)),
        (trained(AS_IS, ADAPTER), measured(2.0, kept=0.5)),
        (Cell(BASE, "q8_0"), died),
    )
    said = told(*rows)
    assert dict(said.beside) == {
        "What training did": [
            "Model 1 on small costs you 50 points of answers without faults (50 to 50), "
            "and gives you 39.3 % less perplexity (39.3 % to 39.3 %)."
        ]
    }
    assert said.failed == ["small as q8_0 could not be measured: its process was killed by signal 9."]


@pytest.mark.parametrize("cell", [Cell(BASE, AS_IS), Cell(BASE, "q8_0"), trained(AS_IS, ADAPTER)])
def test_a_measurement_has_a_name_of_its_own(cell: Cell) -> None:
    """Another form, another use of the model or other questions are another measurement; the same are the same."""
    others = [Cell(BASE, AS_IS), Cell(BASE, "q8_0"), trained(AS_IS, ADAPTER)]
    assert sum(cell.key("asked") == other.key("asked") for other in others) == 1
    assert cell.key("asked") != cell.key("asked otherwise")


def test_what_is_left_is_estimated_from_what_was_measured(tmp_path: Path) -> None:
    """Twice the bytes or twice the answers take twice as long; before the first measurement nobody knows."""
    gguf = tmp_path / "base.gguf"
    gguf.write_bytes(bytes(200))
    cell = Cell(BaseModel("b", gguf, "", "", ""), AS_IS, ALONE)
    done = Measured("", seconds=10.0, items=4, disk=100)
    assert seconds_left([cell], 4, []) is None
    assert seconds_left([cell], 4, [done]) == 20.0
    assert seconds_left([cell, cell], 8, [done]) == 80.0
    assert [in_words(s) for s in (0.2, 42.0, 600.0, 7200.0)] == ["1 s", "42 s", "10 min", "2 h"]
