"""The second stage: the adapter goes on with TRL's DPO, so that corrections become likelier than the drafts that they
correct (Rafailov et al. 2023, Direct Preference Optimization)."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tonewright.training import trainer
from tonewright.training.base_weights import quiet_transformers, read_tokenizer
from tonewright.training.recipe import Recipe
from tonewright.training.rows import Pair


def for_trl(pair: Pair) -> dict[str, Any]:
    """`pair` under the names of TRL's columns: token ids of what both sides begin with, and of how each goes on.

    Joined again they are the ids of the first stage: no text is tokenised twice.
    """
    start = min(pair.chosen.start, pair.rejected.start)
    ids, other = list(pair.chosen.ids), list(pair.rejected.ids)
    return {"prompt_ids": ids[:start], "chosen_ids": ids[start:], "rejected_ids": other[start:]}


def why_not(pairs: int) -> str:
    """Why `pairs` preference pairs cannot be trained on with what is installed here, or ""."""
    if importlib.util.find_spec("trl"):
        return ""
    return f"without its {pairs} preference pairs, since TRL is not installed (pip install 'tonewright[trl]')"


def train(
    model: Any, pairs: Sequence[Pair], stage: Recipe, weights: Path, folder: Path, report: trainer.Report
) -> trainer.Trained:
    """Go on with `model`'s adapter on `pairs` by `stage` (see `plan.second_stage`), with checkpoints in `folder`.

    The reference is the model as it comes in, after the first stage. Its log-probabilities are computed once, so that a
    step holds one pair and no second model. Goes on from the newest whole checkpoint. Raises `TonewrightError` as soon
    as the loss is not a number.
    """
    records = [for_trl(pair) for pair in pairs]
    tokens = sum(len(p.chosen.ids) + len(p.rejected.ids) for p in pairs) / len(pairs)
    with quiet_transformers() as transformers:
        import datasets
        import trl

        # TRL rounds the trainable part of a 4-bit model to bfloat16, which swallows steps as small as these.
        learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
        for parameter in learning:
            parameter.requires_grad_(False)
        dpo = _as_it_is(trl)(
            model=model,
            args=trainer.arguments(
                trl.DPOConfig,
                stage,
                folder,
                model.device.type,
                beta=stage.preference_beta,
                max_length=None,  # longer pairs were left out whole
                bf16=False,  # the recipe says which dtype is used
            ),
            train_dataset=datasets.Dataset.from_list(records),
            processing_class=read_tokenizer(weights),
            callbacks=[trainer.watch(transformers, report, "preference", tokens)],
        )
        model.delete_adapter("ref")  # TRL's copy of what came in, which is not needed
        dpo.train_dataset = _with_reference(dpo, records)
        dpo.precompute_ref_logps = True
        for parameter in learning:
            parameter.requires_grad_(True)
        return trainer.finish(transformers, dpo, model, folder)


def _as_it_is(trl: Any) -> Any:
    """TRL's trainer without its own tokenising, and without its model card."""

    class OnTokens(trl.DPOTrainer):  # type: ignore[misc]
        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def create_model_card(self, *_: Any, **__: Any) -> None:
            """Ours is written when a model is handed out."""

    return OnTokens


def _with_reference(dpo: Any, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`records` with the log-probabilities of both sides under the reference, which is the model before its first step.

    TRL would do this by itself and put them into a file of its own in a temporary folder, where a second process does
    not find it.
    """
    made = []
    dpo.ref_model = dpo.model
    for record in records:
        batch = {name: tensor.to(dpo.model.device) for name, tensor in dpo.data_collator([record]).items()}
        chosen, rejected = dpo.compute_ref_log_probs(dpo.model, batch)
        made.append({**record, "ref_chosen_logps": float(chosen), "ref_rejected_logps": float(rejected)})
    dpo.ref_model = None
    return made
