"""A trained model as a folder that other programs can use: one merged GGUF, and beside it all that one has to know."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright import __version__, prompts
from tonewright.corpus.forget import without_words
from tonewright.errors import BadInput, Refused, UsageError
from tonewright.gguf.merge import merge
from tonewright.gguf.modelfile import modelfile
from tonewright.gguf.parity import ParityReport, check_merged
from tonewright.gguf.quantise import F16, quantise
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.models.gguf_header import read_header
from tonewright.models.registry import Model

LINEAGE, CARD, MODELFILE, SUMS = "lineage.json", "README.md", "Modelfile", "SHA256SUMS"
VECTOR = "tone-{}.gguf"


@dataclass(frozen=True)
class Release:
    """What was written, and how it compares with the trainer's own model."""

    file: Path
    form: str
    bytes: int
    sha256: str
    parity: ParityReport


def release(
    base: BaseModel,
    model: Model,
    made_of: dict[str, Any],
    form: str,
    folder: Path,
    progress: Callable[[str], None] = lambda told: None,
    *,
    vectors: Mapping[str, Path] | None = None,
) -> Release:
    """Write `model`, merged into `base` and quantised as `form`, to `folder`: all of it or nothing.

    `made_of` goes into the lineage: recipe, and hashes of data and code. `vectors` are the model's control vectors by
    tone, to be put beside it. Raises `Refused` when the model was trained on
    another base or when llama.cpp does not say what the trainer said, `UsageError` when `folder` holds something else,
    and `Missing` without llama.cpp.
    """
    if folder.exists() and not (folder / LINEAGE).is_file():
        raise UsageError(f"{folder} is there and holds something else", "give another --output")
    adapter, reference = model.adapter, model.folder / "reference.npz"
    trained_on = read_header(adapter).get("tonewright.base.sha256")
    if trained_on != base.sha256:
        raise Refused(
            f"model {model.id} was trained on a base with SHA-256 {str(trained_on)[:12]}…, {base.gguf} is another",
            "set model.base to the one that it was trained on",
        )
    if not reference.is_file():
        raise BadInput(f"{reference} is missing", "what its run saw was forgotten: retrain, and export the new model")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        made = _write(base, model, form, aside / f"{folder.name}.gguf", reference, progress)
        for tone, vector in sorted((vectors or {}).items()):
            shutil.copyfile(vector, aside / VECTOR.format(tone))
        _describe(aside, made, base, model, made_of, sorted(vectors or ()))
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return dataclasses.replace(made, file=folder / made.file.name)


def _write(
    base: BaseModel, model: Model, form: str, file: Path, reference: Path, progress: Callable[[str], None]
) -> Release:
    """Merge, check, quantise, check again; float16 is only kept when it is what is wanted."""
    whole = file.with_name("merged-f16.gguf")
    notes = {"run": model.run, "base.name": base.name, "base.sha256": base.sha256}
    merge(base.gguf, model.adapter, whole, notes=notes, progress=lambda n, of: progress(f"merging tensor {n} of {of}"))
    progress("comparing with the trainer")
    parity = _agreeing(check_merged(whole, reference, exact=True), F16)
    if form == F16:
        whole.rename(file)
    else:
        progress(f"quantising to {form}")
        quantise(whole, file, form)
        whole.unlink()
        progress("comparing with the trainer")
        parity = _agreeing(check_merged(file, reference, exact=False), form)
    return Release(file, form, file.stat().st_size, sha256_of(file), parity)


def _agreeing(parity: ParityReport, form: str) -> ParityReport:
    if not parity.ok:
        raise Refused(
            f"as {form}, llama.cpp does not say what the trainer said ({'; '.join(parity.reasons)})",
            "choose a finer --quant",
        )
    return parity


def _describe(
    folder: Path, made: Release, base: BaseModel, model: Model, made_of: dict[str, Any], tones: Sequence[str]
) -> None:
    """The files beside the GGUF."""
    lineage = {
        "made_by": f"tonewright {__version__}",
        "run": model.run,
        "adapter": {"sha256": model.adapter_sha256},
        "base": {"name": base.name, "sha256": base.sha256, "licence": base.licence},
        **made_of,
        "verdict": model.verdict,
        "file": {"name": made.file.name, "form": made.form, "bytes": made.bytes, "sha256": made.sha256},
        "parity": dataclasses.asdict(made.parity),
    }
    (folder / LINEAGE).write_text(json.dumps(lineage, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / MODELFILE).write_text(modelfile(made.file.name, ChatFormat.of(base.gguf)), encoding="utf-8")
    (folder / CARD).write_text(_card(made, base, model, tones), encoding="utf-8")
    names = sorted(p.name for p in folder.iterdir())
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(sums, encoding="utf-8")


def _card(made: Release, base: BaseModel, model: Model, tones: Sequence[str]) -> str:
    reasons = "\n".join(f"- {reason}" for reason in without_words(model.report)["reasons"])
    asked = prompts.rewrite("(the text)", "dry")[1]["content"].split("\n")[0]
    return f"""# {made.file.stem}

A small model that writes like one author: {base.name} with that author's adapter merged in, as `{made.form}`
({made.bytes / 1e6:.0f} MB). It was trained on the author's own text by tonewright {__version__}.

## How to ask it

System: `{prompts.SYSTEM}` User: `{asked}`, an empty line, then the text; or without `, in a dry tone`. It was
trained to rewrite and to summarise, not to chat. `ollama create voice -f {MODELFILE}` makes it known to Ollama.
{_dials(made, tones)}
## What the gate said ({model.verdict})

{reasons}

On held-out text its perplexity is {made.parity.ppl_ratio:.3f} times that of the model that was trained, and it finds
the same token likeliest at {made.parity.top1:.1%} of places.

## Terms

The base is under `{base.licence or "terms that its file does not name"}`. The author's text shaped the rest: nobody may
use this model to pass as the author. `{LINEAGE}` names data, recipe, base and code by their hashes;
`sha256sum -c {SUMS}` checks the files.
"""


def _dials(made: Release, tones: Sequence[str]) -> str:
    """How the control vectors are used, "" without any."""
    if not tones:
        return ""
    return f"""
## The tone dial

A control vector for each of {", ".join(tones)}: a direction in the model's states that is
added while it writes. 0 is the model as it is, 0.5 to 1 is usual; beyond that it loses its thread. Ask for the tone as
well. With llama.cpp:

    llama-cli -m {made.file.name} --control-vector-scaled {VECTOR.format(tones[0])}:0.6

(builds before December 2025: `{VECTOR.format(tones[0])} 0.6`). `llama-server` takes the same option; Ollama has none.
"""
