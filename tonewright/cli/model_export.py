"""`tonewright model export`: a model for other programs, as one merged GGUF or as a folder for transformers."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tonewright.cli import show
from tonewright.corpus.lineage import stale
from tonewright.corpus.tone_passages import tone_passages
from tonewright.errors import Refused, UsageError
from tonewright.gguf.quantise import FORMS, known
from tonewright.gguf.release import release
from tonewright.models import registry
from tonewright.models.base import BaseModel, find_base, original_weights, sha256_of
from tonewright.models.registry import Model
from tonewright.rewriting.dial import Dial
from tonewright.tones.exemplars import LABELS_TO_LEARN
from tonewright.workspace import Workspace, cache_folder, open_workspace

LLAMA_CPP, TRANSFORMERS = "llama.cpp", "transformers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("model", nargs="?", default=registry.CHAMPION, help="number, run or alias (the champion)")
    parser.add_argument(
        "--for",
        dest="reader",
        choices=(LLAMA_CPP, TRANSFORMERS),
        default=LLAMA_CPP,
        help="who is to read it (llama.cpp)",
    )
    parser.add_argument("--quant", metavar="FORM", help=f"of a GGUF: {', '.join(FORMS)} (q8_0)")
    parser.add_argument("--tones", metavar="TONE,TONE", help="for transformers: which get a soft prompt (all that can)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where to (a folder of the blog's state)")
    parser.add_argument("--anyway", action="store_true", help="although it is stale")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 4 for a stale model, another base, or a file that does not say what the trainer said."""
    workspace = open_workspace()
    for option, value, reader in (("--quant", args.quant, LLAMA_CPP), ("--tones", args.tones, TRANSFORMERS)):
        if value is not None and args.reader != reader:
            raise UsageError(f"{option} is for {reader}", f"leave it out, or give --for {reader}")
    form = known(args.quant or "q8_0") if args.reader == LLAMA_CPP else TRANSFORMERS
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
    if args.reader == TRANSFORMERS:
        return _for_transformers(args, workspace, base, model, made_of, folder)
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


def _for_transformers(
    args: argparse.Namespace, workspace: Workspace, base: BaseModel, model: Model, made_of: dict[str, Any], folder: Path
) -> int:
    """The adapter as PEFT has it, with soft prompts."""
    from tonewright.training.base_weights import convert
    from tonewright.training.peft_release import release_for_transformers

    passages = tone_passages(workspace)
    told = Counter(p.tone for p in passages)
    tones = [tone for tone in workspace.vocabulary.names if told[tone] >= LABELS_TO_LEARN]
    if args.tones is not None:
        tones = [workspace.vocabulary.check(tone.strip(), "--tones") for tone in args.tones.split(",") if tone.strip()]
    original = workspace.config.model.weights
    show.progress("reading the base")
    if original_weights(original):
        weights = Path(original).expanduser()
    else:
        weights = convert(base.gguf, base.sha256, cache_folder() / "host" / "cache")
    release_for_transformers(base, model, made_of, weights, passages, tones, folder, show.progress)
    show.progress("")
    if args.json:
        show.as_json({"model": model.id, "folder": str(folder), "tones": tones})
        return 0
    print(f"{folder}: the adapter, voice.py that writes with it, and a soft prompt for {', '.join(tones) or 'no tone'}")
    return 0
