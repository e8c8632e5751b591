"""The voice with transformers, without tonewright: a text in, the same text in the author's voice out.

    pip install torch transformers peft
    python voice.py --base FOLDER_OR_NAME --tone dry --dial 0.6 < draft.txt

`tonewright model export --for transformers` puts this file into the folder that it writes, as voice.py. --base is the
model that the adapter was trained on, in the form of its makers (README.md names it).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def load(base: str, folder: Path, tone: str = "") -> tuple[Any, Any]:
    """(model, tokenizer): the base with the author's adapter, behind the soft prompt of `tone` if one is named."""
    import transformers
    from peft import PeftModel

    transformers.utils.logging.disable_progress_bar()
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype="float32", use_safetensors=True)
    model = PeftModel.from_pretrained(model, str(folder / "adapter")).merge_and_unload()
    if tone:
        model = PeftModel.from_pretrained(model, str(folder / f"tone-{tone}"))
    return model.eval(), tokenizer


@contextmanager
def dialled(model: Any, strength: float) -> Iterator[None]:
    """Turn the soft prompt of `model` to `strength` for a while: 0 is without it, 1 as PEFT does it, 2 the double.

    What reads a token of the prompt gives it `strength` times the weight in every softmax of attention. That is log
    `strength` added to the scores, in a mask of shape (batch, 1, new tokens, all tokens). The prompt's own tokens read
    each other as ever.
    """
    import torch

    if strength == 0:
        with model.disable_adapter():
            yield
        return
    prompt = model.active_peft_config.num_virtual_tokens

    def weigh(_: Any, args: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        new = given["inputs_embeds"] if given.get("inputs_embeds") is not None else given["input_ids"]
        cache = given.get("past_key_values")
        before = cache.get_seq_length() if cache is not None else 0
        places = torch.arange(before + new.shape[1], device=new.device)
        reading = places[before:, None]
        scores = torch.zeros(len(reading), len(places), device=new.device, dtype=model.dtype)
        scores[(places < prompt) & (reading >= prompt)] = math.log(strength)
        scores = scores.masked_fill(places > reading, torch.finfo(model.dtype).min)[None, None]
        seen = given.get("attention_mask")
        if seen is not None:  # padding
            scores = scores.masked_fill(seen[:, None, None, :] == 0, torch.finfo(model.dtype).min)
        return args, {**given, "attention_mask": scores}

    hook = model.get_base_model().register_forward_pre_hook(weigh, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def ask(text: str, tone: str, wording: dict[str, Any], tokenizer: Any) -> str:
    """The prompt for `text`, word for word as in training."""
    messages = [
        {"role": m["role"], "content": m["content"].replace("{tone}", tone).replace("{text}", text)}
        for m in wording["in_tone" if tone else "plain"]
    ]
    prompt = tokenizer.apply_chat_template(
        messages, chat_template=wording["template"], tokenize=False, add_generation_prompt=True
    )
    return str(prompt if prompt.startswith(wording["bos"]) else wording["bos"] + prompt)


def main() -> int:
    """Rewrite standard input, paragraph by paragraph."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="the base model: a folder, or its name on a hub")
    parser.add_argument("--tone", default="", help="one of the tones that have a folder here")
    parser.add_argument("--dial", type=float, default=0.0, help="how far its soft prompt is turned up, 0 to 2")
    args = parser.parse_args()
    tones = sorted(p.name.removeprefix("tone-") for p in HERE.glob("tone-*"))
    if args.dial and args.tone not in tones:
        parser.error(f"--dial needs a --tone with a soft prompt: {', '.join(tones)}")
    if not 0 <= args.dial <= 2:
        parser.error(f"--dial is {args.dial:g}; give a number from 0 to 2")
    model, tokenizer = load(args.base, HERE, args.tone if args.dial else "")
    wording = json.loads((HERE / "prompts.json").read_text(encoding="utf-8"))
    for paragraph in filter(str.strip, sys.stdin.read().split("\n\n")):
        prompt = ask(paragraph.strip(), args.tone, wording, tokenizer)
        asked = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        with dialled(model, args.dial) if args.dial else nullcontext():
            said = answer(model, tokenizer, asked)
        print(said, end="\n\n", flush=True)  # noqa: T201 - what it is for
    return 0


def answer(model: Any, tokenizer: Any, asked: Any) -> str:
    """What the model writes after the prompt `asked`, greedily; at most three times as long as that."""
    most = 3 * asked["input_ids"].shape[1]
    with warnings.catch_warnings():
        # PEFT leaves out the positions that transformers counts, since its prompt moves them.
        warnings.filterwarnings("ignore", message="Position ids are not supported")
        said = model.generate(**asked, max_new_tokens=most, do_sample=False, pad_token_id=tokenizer.eos_token_id)
    return str(tokenizer.decode(said[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


if __name__ == "__main__":
    sys.exit(main())
