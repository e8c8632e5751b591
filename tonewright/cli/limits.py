"""`tonewright limits`: what each base, quantisation and trained model at hand can do on this machine, measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tonewright.cli import show
from tonewright.corpus.export import write_lines
from tonewright.errors import UsageError
from tonewright.gate.checks import FEWEST
from tonewright.gate.systems import Embedders
from tonewright.gguf.quantise import FORMS, known
from tonewright.limits.bases import bases
from tonewright.limits.cells import DEFAULT_FORMS, Cell, cells
from tonewright.limits.measuring import Measured, Records, measure, own_text
from tonewright.limits.pace import in_words, seconds_left
from tonewright.limits.questions import Questions, questions, trained_on
from tonewright.limits.sheet import Sheet
from tonewright.limits.verdict import size, verdict
from tonewright.models import registry
from tonewright.tones.tagger import TextEmbedder
from tonewright.workspace import Workspace, open_workspace

PAGE = "tonewright-limits.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    forms = ",".join(DEFAULT_FORMS)
    parser.add_argument("--base", action="append", default=[], metavar="GGUF", help="another base; may be repeated")
    parser.add_argument(
        "--model", action="append", metavar="MODEL", help="number, run, alias, all or none; may be repeated (champion)"
    )
    parser.add_argument("--quant", default=forms, metavar="FORMS", help=f"of {', '.join(FORMS)} ({forms})")
    parser.add_argument("--items", type=int, metavar="N", help="held-out passages that are answered (gate.items)")
    parser.add_argument("--dry-run", action="store_true", help="what would be measured, how long, how much disk")
    parser.add_argument("--output", type=Path, metavar="FILE.html", help=f"the page (state folder/{PAGE})")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--json", action="store_true", help="one JSON object; the same is written beside the page")


def run(args: argparse.Namespace) -> int:
    """Measure what is missing, then write the page and its JSON. Exit code 3 with too few held-out passages."""
    from tonewright.pages.html import environment

    environment()  # says what to install before anything else does
    workspace = open_workspace()
    forms = tuple(dict.fromkeys(known(form.strip()) for form in args.quant.split(",") if form.strip()))
    models = _models(workspace, args.model)
    here = bases(workspace, args.base, models)
    asked = _questions(workspace, models, args.items)
    for model in (model for model in models if model.base not in {base.sha256 for base in here}):
        print(f"tonewright: model {model.id} is left out; name the base of its training with --base", file=sys.stderr)
    plan = cells(here, models, forms)
    records = Records(workspace.folder("limits"))
    todo = [cell for cell in plan if (found := records.of(cell.key(asked.digest))) is None or found.failed]
    if args.dry_run:
        return _dry_run(plan, todo, asked, records, as_json=args.json)
    embedder = _embedders(workspace)
    own = own_text(records, asked, embedder)
    if todo:
        _measure(plan, todo, asked, records, embedder)
    gone = "its record is gone"
    rows = [(cell, records.of(cell.key(asked.digest)) or Measured(cell.name, failed=gone)) for cell in plan]
    return _write(workspace, Sheet(rows, own, asked), args)


def _models(workspace: Workspace, words: Sequence[str] | None) -> list[registry.Model]:
    if words is None:
        champion = registry.alias(workspace.ledger, registry.CHAMPION)
        return [champion] if champion else []
    if "all" in words:
        return registry.every(workspace.ledger)[::-1]
    found = [registry.find(workspace.ledger, word) for word in words if word != "none"]
    return list({model.id: model for model in found}.values())


def _questions(workspace: Workspace, models: Sequence[registry.Model], items: int | None) -> Questions:
    aloud = workspace.config.gate.items if items is None else items
    if aloud < FEWEST:
        raise UsageError(f"--items {aloud} is too few to measure by", f"give {FEWEST} or more")
    seen = {path for model in models for path in trained_on(workspace.folder("runs") / model.run)}
    return questions(workspace.ledger, workspace.config, seen, aloud)


def _embedders(workspace: Workspace) -> Embedders:
    """The embedder of daily use, closed each time: the next child is to have the memory for itself."""
    from tasks import models

    @contextmanager
    def opened() -> Iterator[TextEmbedder]:
        try:
            with models.embedder(workspace) as model:
                yield model
        finally:
            models.close()

    return opened


def _measure(
    plan: Sequence[Cell], todo: Sequence[Cell], asked: Questions, records: Records, embedder: Embedders
) -> None:
    """Measure `todo`, and tell on stderr how far it is."""
    before = len(plan) - len(todo)

    def tell(cell: Cell, told: str) -> None:
        number = todo.index(cell)
        show.progress(f"{before + number + 1} of {len(plan)}, {cell.name}: {told}{left(number)}")

    def left(number: int) -> str:
        seconds = seconds_left(todo[number:], asked.aloud, records.every())
        return f"; about {in_words(seconds)} left" if seconds and todo[number:] else ""

    for number, found in enumerate(measure(todo, records, asked, embedder, tell), 1):
        said = f"failed, {found.failed}" if found.failed else f"measured in {in_words(found.seconds)}"
        show.progress(f"{before + number} of {len(plan)}, {found.cell}: {said}{left(number)}", last=True)


def _dry_run(plan: Sequence[Cell], todo: Sequence[Cell], asked: Questions, records: Records, *, as_json: bool) -> int:
    """What there is to do. Files are made one at a time: the disk has to hold the largest, and what it is made of."""
    seconds = seconds_left(todo, asked.aloud, records.every())
    disk = max((cell.about_disk for cell in todo), default=0)
    if as_json:
        rows = [{"name": cell.name, "about_bytes": cell.about_bytes, "measured": cell not in todo} for cell in plan]
        show.as_json({"cells": rows, "about_seconds": seconds, "about_disk_bytes": disk, "passages": asked.aloud})
        return 0
    show.table(
        [("to measure" if cell in todo else "measured", f"{size(cell.about_bytes)}", cell.name) for cell in plan],
        indent="",
    )
    long = f"about {in_words(seconds)}" if seconds else "for a time that nothing measured here tells yet"
    if todo:
        what = f"{len(todo)} of {len(plan)} to measure with {asked.aloud} passages"
        print(f"{what}, {long}; {size(disk)} of disk meanwhile")
    else:
        print("everything is measured; the page is written anew without `--dry-run`")
    return 0


def _write(workspace: Workspace, sheet: Sheet, args: argparse.Namespace) -> int:
    """The page, the JSON beside it, and the verdict on the terminal."""
    from tonewright.pages.limits import limits

    machine = f"{platform.machine()} with {os.cpu_count()} cores"
    said = verdict(sheet)
    file: Path = (args.output or workspace.folder() / PAGE).absolute()
    record: dict[str, Any] = {
        "machine": machine,
        **sheet.as_record(),
        "verdict": {"picks": said.picks, "beside": dict(said.beside), "failed": said.failed},
        "page": str(file),
    }
    write_lines(limits(sheet, said, workspace.root.name, machine).decode().splitlines(), file)
    text = json.dumps({"schema_version": show.SCHEMA_VERSION, **record}, ensure_ascii=False, indent=2)
    write_lines(text.splitlines(), file.with_suffix(".json"))
    if args.json:
        show.as_json(record)
    else:
        for sentence in (*said.picks, *said.failed):
            print(sentence)
        print(f"wrote {file}")
    if args.open:
        webbrowser.open(file.as_uri())
    return 0
