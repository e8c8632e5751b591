"""Sets the examination paper: which held-out rows are asked, and which examples the prompted base may see."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.corpus.rows import REWRITE
from tonewright.corpus.snapshot import HELD_OUT_FILE, TRAIN_FILE
from tonewright.gate.judge import judge
from tonewright.gate.report import Report
from tonewright.gate.systems import Embedders, Item, Lesson, Progress


def examine(
    job: Path,
    base: Path,
    challenger: Path,
    champion: Path | None,
    settings: Gate,
    embedder: Embedders,
    progress: Progress,
) -> Report:
    """Judge `challenger` (an adapter on `base`) on the held-out rows of the run's own snapshot in `job`."""
    train, held_out = _read(job / TRAIN_FILE), _read(job / HELD_OUT_FILE)
    items = [
        Item(
            id=row["id"],
            kind=row["kind"],
            tone=row["tone"],
            request=row["messages"][:-1],
            answer=row["messages"][-1]["content"],
            source_text=row["asked"],
            post=row["source"]["path"],
        )
        for row in sorted(held_out, key=_lot)
        if row["kind"] == REWRITE
    ]
    lessons = [Lesson(row["messages"][:-1], row["messages"][-1]["content"]) for row in train]
    examples = prompts.examples(
        (row["tone"], row["asked"], row["messages"][:-1], row["messages"][-1]["content"])
        for row in train
        if row["kind"] == REWRITE
    )
    return judge(items, lessons, base, challenger, champion, examples, settings, embedder, progress)


def _lot(row: dict[str, Any]) -> str:
    """An order that does not know when a post was written: any number of items is a fair sample."""
    return hashlib.sha256(row["id"].encode()).hexdigest()


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
