"""A soft prompt: vectors in front of all that a model reads, learned from passages in a tone, as PEFT keeps them.

Prompt tuning (Lester et al. 2021): the model stays as it is, only these few vectors learn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tonewright import prompts
from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat
from tonewright.tones.passages import Passage
from tonewright.training import trainer
from tonewright.training.base_weights import quiet_transformers
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Block, Example, Row, Tokenize, encode, fitting

TOKENS = 8  # vectors in a prompt
# Vectors take far larger steps than weights do. One passage in a pass, since a prompt stands before each.
STAGE = Recipe(
    name="soft-prompt",
    method="lora",
    learning_rate=0.02,
    warmup=0.1,
    epochs=6,
    accumulation=4,
    sequence_length=512,
    checkpoint_steps=10_000,
)


def teach(
    model: Any, tone: str, passages: Sequence[Passage], chat: ChatFormat, tokenize: Tokenize, report: trainer.Report
) -> Any:
    """`model` behind a new soft prompt that makes those `passages` likelier that are in `tone`, each as the rewriting
    of its plain version.

    The vectors begin as the embeddings of the wish in words, so that a short training starts from somewhere. The same
    passages give the same prompt. Raises `BadInput` when every passage is too long, and what `trainer.train` raises.
    """
    examples, _ = fitting(
        [_example(p, number, chat, tokenize) for number, p in enumerate(passages) if p.tone == tone],
        STAGE.sequence_length,
    )
    if not examples:
        raise BadInput(f"no passage in {tone} has at most {STAGE.sequence_length} tokens", "tag shorter ones")
    prompted = _prompted(model, tokenize(f"Answer in a {tone} tone."))
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(prompted, [(e,) for e in examples], STAGE, Path(folder), report, collator=one_by_one)
    return prompted.eval()


def one_by_one(blocks: Sequence[Block]) -> dict[str, Any]:
    """One passage as a forward pass: input_ids and labels of shape (1, T), -100 where nothing is to be learned.

    PEFT puts the prompt before both by itself, so neither positions nor a choice of logits can be given.
    """
    import torch

    ((example,),) = blocks
    ids = torch.tensor([example.ids])
    labels = ids.clone()
    labels[:, : example.start] = -100
    return {"input_ids": ids, "labels": labels, "use_cache": False}


def _example(passage: Passage, number: int, chat: ChatFormat, tokenize: Tokenize) -> Example:
    messages = prompts.training_row(prompts.rewrite(passage.plain, None), passage.text)
    return encode(Row(str(number), tuple(messages)), chat, tokenize)


def _prompted(model: Any, words: Sequence[int]) -> Any:
    """`model` behind `TOKENS` vectors that are the embeddings of `words`, repeated or cut."""
    import peft
    import torch

    with quiet_transformers() as transformers:
        transformers.set_seed(STAGE.seed)
        prompted = peft.get_peft_model(model, peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=TOKENS))
    ids = [words[i % len(words)] for i in range(TOKENS)]
    with torch.no_grad():
        rows = model.get_input_embeddings()(torch.tensor(ids, device=model.device))
        prompted.prompt_encoder["default"].embedding.weight.copy_(rows)
    return prompted
