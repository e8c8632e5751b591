"""A trained model as a folder for transformers: the PEFT adapter, soft prompts, and a script that uses both."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tonewright import __version__, prompts
from tonewright.errors import BadInput
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.chat import PLAIN_TEMPLATE, ChatFormat
from tonewright.models.handout import CARD, gate_said, handed_out, how_to_ask, require_base, terms, write_lineage
from tonewright.models.registry import Model
from tonewright.tones.passages import Passage, require_passages
from tonewright.training import base_weights, soft_prompt, trainer
from tonewright.training.files import write_json
from tonewright.training.progress import Progress
from tonewright.training.shape import DENSE_LIMIT, shape_of

ADAPTER, SCRIPT, WORDING = "adapter", "voice.py", "prompts.json"
PROMPT = "tone-{}"


def release_for_transformers(
    base: BaseModel,
    model: Model,
    made_of: Mapping[str, Any],
    weights: Path,
    passages: Sequence[Passage],
    tones: Sequence[str],
    folder: Path,
    progress: Callable[[str], None] = lambda told: None,
) -> None:
    """Write `model` to `folder`, all of it or nothing, with a soft prompt for each of `tones` out of `passages`.

    `weights` is the base for transformers; the prompts are trained on it, on this machine's GPU if it has one.
    `made_of` goes into the lineage. Raises `Refused` when the model was trained on another base, `BadInput` when its
    files have changed, `NothingToDo` for a tone with too few passages, `UsageError` when `folder` holds something else,
    and `Missing` without the train extra.
    """
    require_base(model, base)
    for tone in tones:
        require_passages(passages, tone, "leave it out of --tones")
    kept = _as_it_came(model)
    with handed_out(folder) as aside:
        shutil.copytree(kept, aside / ADAPTER)
        if tones:
            _teach_all(_load_voice(base, weights, kept), tones, passages, base, weights, aside, progress)
        shutil.copyfile(Path(__file__).with_name("standalone_voice.py"), aside / SCRIPT)
        write_json(aside / WORDING, _wording(ChatFormat.of(base.gguf)))
        write_lineage(aside, base, model, {**made_of, "tones": {t: sum(p.tone == t for p in passages) for t in tones}})
        (aside / CARD).write_text(_card(folder.name, base, model, tones), encoding="utf-8")


def _as_it_came(model: Model) -> Path:
    """The folder with the model's PEFT adapter; raises `BadInput` when it is not what came back from the host."""
    manifest = json.loads((model.folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    for name in (f"{ADAPTER}/adapter_config.json", f"{ADAPTER}/adapter_model.safetensors"):
        file = model.folder / name
        if not file.is_file() or sha256_of(file) != manifest[name]["sha256"]:
            raise BadInput(f"{file} is missing or has changed", "retrain, and export the new model")
    return model.folder / ADAPTER


def _load_voice(base: BaseModel, weights: Path, adapter: Path) -> Any:
    """`base` with the PEFT adapter in a folder merged in: in 4 bits where it might not fit as it is."""
    method = "lora" if shape_of(base.gguf).dense_bytes <= DENSE_LIMIT else "qlora"
    model = base_weights.load_model(weights, replace(soft_prompt.STAGE, method=method), base_weights.pick_device())
    with base_weights.quiet_transformers(), warnings.catch_warnings():
        # In 4 bits the sum is rounded again, by less than the base already was.
        warnings.filterwarnings("ignore", message="Merge lora module to 4-bit", category=UserWarning)
        import peft

        return peft.PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()


def _teach_all(
    model: Any,
    tones: Sequence[str],
    passages: Sequence[Passage],
    base: BaseModel,
    weights: Path,
    folder: Path,
    progress: Callable[[str], None],
) -> None:
    chat, tokenize = ChatFormat.of(base.gguf), base_weights.load_tokenizer(weights)
    for number, tone in enumerate(tones, 1):

        def tell(state: Progress, what: str = f"soft prompt {number} of {len(tones)}, {tone}") -> None:
            progress(
                f"{what}: step {state.step} of {state.steps}, loss {state.loss:.2f}, {state.eta_seconds:.0f} s to go"
            )

        taught = soft_prompt.teach(model, tone, passages, chat, tokenize, tell)
        trainer.save_adapter(taught, folder / PROMPT.format(tone), base.name)


def _wording(chat: ChatFormat) -> dict[str, Any]:
    """How the model was asked in training, with {text} and {tone} to be filled in."""
    return {
        "plain": prompts.rewrite("{text}", None),
        "in_tone": prompts.rewrite("{text}", "{tone}"),
        "template": chat.template or PLAIN_TEMPLATE,
        "bos": chat.bos if chat.add_bos else "",
    }


def _card(name: str, base: BaseModel, model: Model, tones: Sequence[str]) -> str:
    return f"""# {name}

The voice of one author for transformers: a PEFT adapter for {base.name}, trained on the author's own text by tonewright
{__version__}.

    pip install torch transformers peft
    python {SCRIPT} --base BASE {f"--tone {tones[0]} --dial 0.6 " if tones else ""}< draft.txt

BASE is {base.name} as its makers publish it: a folder with safetensors and tokenizer, or its name on a hub.

## How to ask it

{how_to_ask()}
{_dials(tones)}
## What the gate said ({model.verdict})

{gate_said(model)}

## Terms

{terms(base)}
"""


def _dials(tones: Sequence[str]) -> str:
    """How the soft prompts are used, "" without any."""
    if not tones:
        return ""
    return f"""
## The tone dial

A soft prompt for each of {", ".join(tones)}: {soft_prompt.TOKENS} vectors that stand before all that the model reads,
learned with the adapter in place (`{SCRIPT}` shows how both are loaded). 0 is the model as it is, 1 the prompt as PEFT
applies it; between and beyond, what reads the prompt gives it that share of its usual weight. Ask for the tone as well.
"""
