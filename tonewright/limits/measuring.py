"""Measure one combination after the other; each figure is on disk before the next one is begun."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tonewright.corpus.export import write_lines
from tonewright.errors import TonewrightError
from tonewright.gate.evidence import Evidence, Examiner, Paper
from tonewright.gate.intervals import Counted, Estimate
from tonewright.gate.systems import Embedders
from tonewright.limits.cells import ALONE, Cell
from tonewright.limits.files import Files
from tonewright.limits.questions import Questions
from tonewright.process import converse, stop

COUNTS = ("loss", "likeness", "tone", "named", "meaning", "kept")  # of the gate's evidence
_NOTHING = Estimate(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Measured:
    """What one combination did, in figures alone: no word of the author's or of an answer is kept.

    `seconds` is how long it took to measure it with `items` answers. `disk` and `memory` are bytes; `first_token`
    (seconds) and `pace` (tokens per second) the median of three moments with the least and the most; `counts` the
    gate's evidence per passage; `overlap` the longest copy in words; `load` the machine's when it began; `failed` why
    there are no figures.
    """

    cell: str
    seconds: float = 0.0
    items: int = 0
    disk: int = 0
    memory: int = 0
    first_token: Estimate = _NOTHING
    pace: Estimate = _NOTHING
    counts: dict[str, Counted] = field(default_factory=dict)
    overlap: int = 0
    load: float = 0.0
    failed: str = ""


class Records:
    """Measurements in a folder, one file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, key: str) -> Measured | None:
        """The measurement called `key`; None when there is none that can be read."""
        try:
            return _read(json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def every(self) -> list[Measured]:
        """All of them, of whatever was asked."""
        return [found for file in sorted(self._folder.glob("*.json")) if (found := self.of(file.stem))]

    def add(self, key: str, measured: Measured) -> None:
        """Keep it, whole or not at all."""
        write_lines([json.dumps(dataclasses.asdict(measured), ensure_ascii=False)], self._folder / f"{key}.json")


def measure(
    todo: Iterable[Cell],
    records: Records,
    questions: Questions,
    embedder: Embedders,
    progress: Callable[[Cell, str], None],
) -> Iterator[Measured]:
    """Measure each of `todo`, write it down and give it; one that fails or dies is a record that says so."""
    with Files() as files:
        for cell in todo:
            begun, load = time.monotonic(), os.getloadavg()[0]
            try:
                progress(cell, "making the file")
                gguf = files.of(cell)
                found = _sit(cell, gguf, questions, partial(progress, cell))
                progress(cell, "weighing the answers")
                measured = _weighed(cell, gguf, found, questions, embedder)
            except TonewrightError as e:
                measured = Measured(cell.name, failed=str(e))
            done = dataclasses.replace(
                measured, seconds=round(time.monotonic() - begun, 1), items=questions.aloud, load=round(load, 1)
            )
            records.add(cell.key(questions.digest), done)
            yield done


def own_text(records: Records, questions: Questions, embedder: Embedders) -> Measured:
    """The author's own answers to the same questions, measured like a model's: what there is to reach."""
    key = f"own-{questions.digest[:20]}"
    known = records.of(key)
    if known is None:
        answers = [item.answer for item in questions.items[: questions.aloud]]
        evidence = _evidence(questions, embedder, Paper(Counted([], []), answers))
        counts = {name: getattr(evidence, name) for name in COUNTS}
        known = Measured("your own text", counts=counts, overlap=evidence.overlap)
        records.add(key, known)
    return known


def _sit(cell: Cell, gguf: Path, questions: Questions, tell: Callable[[str], None]) -> dict[str, Any]:
    """What the child has to say. Raises `TonewrightError` when it fails, or dies."""
    asked = {
        "gguf": str(gguf),
        "adapter": str(cell.beside) if cell.beside else None,
        "items": [dataclasses.asdict(item) for item in questions.items],
        "aloud": questions.aloud,
        "examples": questions.examples if cell.way == ALONE else [],
    }
    said: dict[str, Any] = {"told": "starting"}
    with converse([sys.executable, "-m", "tonewright.limits.sitting"]) as child:
        assert child.stdin is not None and child.stdout is not None
        try:
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(json.dumps(asked) + "\n")
            for line in child.stdout:
                if not line.startswith("{"):  # llama.cpp's own, in spite of all
                    continue
                said = json.loads(line)
                if "told" in said:
                    tell(said["told"])
            code = child.wait()
        finally:
            stop(child, 0.0)
    if "failed" in said:
        raise TonewrightError(said["failed"])
    if "told" in said:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        why = "; mostly that means that the memory was full" if code == -signal.SIGKILL else ""
        raise TonewrightError(f"its process {how} while {said['told']}{why}")
    return said


def _weighed(cell: Cell, gguf: Path, found: dict[str, Any], questions: Questions, embedder: Embedders) -> Measured:
    evidence = _evidence(questions, embedder, Paper(Counted(*found["loss"]), found["answers"]))
    return Measured(
        cell.name,
        disk=gguf.stat().st_size + (cell.beside.stat().st_size if cell.beside else 0),
        memory=found["memory"],
        first_token=_spread(found["first_token"]),
        pace=_spread(found["pace"]),
        counts={name: getattr(evidence, name) for name in COUNTS},
        overlap=evidence.overlap,
    )


def _evidence(questions: Questions, embedder: Embedders, paper: Paper) -> Evidence:
    with embedder() as model:
        return Examiner(questions.items, questions.aloud, questions.taught, model).evidence(paper)[0]


def _spread(values: Sequence[float]) -> Estimate:
    return Estimate(median(values), min(values), max(values))


def _read(record: dict[str, Any]) -> Measured:
    figures = {name: Estimate(*record[name]) for name in ("first_token", "pace")}
    counts = {name: Counted(*counted) for name, counted in record["counts"].items()}
    return Measured(**{**record, **figures, "counts": counts})
