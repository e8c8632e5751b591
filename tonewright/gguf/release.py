"""A trained model as a folder that other programs can use: one merged GGUF, and beside it all that one has to know."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright import __version__
from tonewright.errors import BadInput, Refused
from tonewright.gguf.merge import merge
from tonewright.gguf.modelfile import modelfile
from tonewright.gguf.parity import ParityReport, check_merged
from tonewright.gguf.quantise import F16, quantise
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.chat import ChatFormat
from tonewright.models.handout import CARD, gate_said, handed_out, how_to_ask, require_base, terms, write_lineage
from tonewright.models.registry import Model

MODELFILE = "Modelfile"
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
    require_base(model, base)
    reference = model.folder / "reference.npz"
    if not reference.is_file():
        raise BadInput(f"{reference} is missing", "what its run saw was forgotten: retrain, and export the new model")
    with handed_out(folder) as aside:
        made = _write(base, model, form, aside / f"{folder.name}.gguf", reference, progress)
        for tone, vector in sorted((vectors or {}).items()):
            shutil.copyfile(vector, aside / VECTOR.format(tone))
        written = {
            "file": {"name": made.file.name, "form": made.form, "bytes": made.bytes, "sha256": made.sha256},
            "parity": dataclasses.asdict(made.parity),
        }
        write_lineage(aside, base, model, {**made_of, **written})
        (aside / MODELFILE).write_text(modelfile(made.file.name, ChatFormat.of(base.gguf)), encoding="utf-8")
        (aside / CARD).write_text(_card(made, base, model, sorted(vectors or ())), encoding="utf-8")
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


def _card(made: Release, base: BaseModel, model: Model, tones: Sequence[str]) -> str:
    return f"""# {made.file.stem}

A small model that writes like one author: {base.name} with that author's adapter merged in, as `{made.form}`
({made.bytes / 1e6:.0f} MB). It was trained on the author's own text by tonewright {__version__}.

## How to ask it

{how_to_ask()} `ollama create voice -f {MODELFILE}` makes it known to Ollama.
{_dials(made, tones)}
## What the gate said ({model.verdict})

{gate_said(model)}

On held-out text its perplexity is {made.parity.ppl_ratio:.3f} times that of the model that was trained, and it finds
the same token likeliest at {made.parity.top1:.1%} of places.

## Terms

{terms(base)}
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
