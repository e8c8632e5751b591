"""`tonewright model export`: a model merged into its base, as one GGUF for other programs, with card and checksums."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from tonewright.cli import show
from tonewright.corpus.lineage import stale
from tonewright.errors import Refused
from tonewright.gguf.quantise import FORMS, known
from tonewright.gguf.release import release
from tonewright.models import registry
from tonewright.models.base import find_base, sha256_of
from tonewright.rewriting.dial import Dial
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", nargs="?", default=registry.CHAMPION, help="number, run or alias (the champion)")
    parser.add_argument("--quant", default="q8_0", metavar="FORM", help=f"{', '.join(FORMS)} (q8_0)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to (a folder of the blog's state)")
    parser.add_argument("--anyway", action="store_true", help="although it is stale")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 4 for a stale model, another base, or a file that does not say what the trainer said."""
    form = known(args.quant)
    workspace = open_workspace()
    model = registry.find(workspace.ledger, args.model)
    why = stale(workspace, model)
    if why and not args.anyway:
        raise Refused(f"model {model.id} is stale: {why}", "retrain; --anyway overrides it")
    job = workspace.folder("runs", model.run)
    made_of = {
        "recipe": json.loads((job / "spec.json").read_text(encoding="utf-8"))["recipe"],
        "data": {file.name: sha256_of(file) for file in sorted(job.glob("*.jsonl"))},
        "code": sha256_of(job / "code.zip"),
    }
    name = f"{workspace.root.name}-voice-{model.id}-{form}"
    folder = (args.output or workspace.folder("exports") / name).expanduser().absolute()
    base = find_base(workspace.config.model.base)
    vectors = Dial(workspace, base, model.adapter).kept()
    made = release(base, model, made_of, form, folder, show.progress, vectors=vectors)
    show.progress("")
    if args.json:
        show.as_json({"model": model.id, **dataclasses.asdict(made), "file": str(made.file)})
        return 0
    print(
        f"{made.file}: {made.bytes / 1e6:.0f} MB as {form}, perplexity {made.parity.ppl_ratio:.3f} times the trainer's"
    )
    print(f"beside it: Modelfile, README.md, lineage.json, SHA256SUMS{', a vector per tone' if vectors else ''}")
    return 0
