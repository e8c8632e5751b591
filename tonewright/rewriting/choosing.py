"""Which model writes when the author names one, and what goes before the requests of one that was never trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tonewright import prompts
from tonewright.corpus import style
from tonewright.corpus.lineage import stale
from tonewright.corpus.rows import REWRITE, collect
from tonewright.errors import UsageError
from tonewright.models import registry
from tonewright.models.base import BaseModel, find_base
from tonewright.prompts import Messages
from tonewright.workspace import Workspace

BASE = "base"


@dataclass(frozen=True)
class Chosen:
    """A base with a trained adapter, or without one and with `guide` and `examples` to be put before each request.

    `note` is what the author should know about it, "" for nothing.
    """

    base: BaseModel
    adapter: Path | None = None
    guide: str = ""
    examples: Sequence[tuple[Messages, str]] = ()
    note: str = ""

    def asked(self, messages: Messages) -> Messages:
        """`messages` as this model is to see them."""
        return prompts.guided(prompts.few_shot(messages, self.examples), self.guide)


def choose(workspace: Workspace, word: str) -> Chosen:
    """The model that `word` names: champion, a number, or base. Without a champion yet, the prompted base writes.

    Raises `UsageError` for a model that is not there or was trained on another base.
    """
    base = find_base(workspace.config.model.base)
    champion = registry.alias(workspace.ledger, registry.CHAMPION)
    if word == BASE or (word == registry.CHAMPION and champion is None):
        return _untrained(workspace, base, asked_for=word == BASE)
    model = champion if word == registry.CHAMPION else registry.find(workspace.ledger, word)
    assert model is not None
    why = stale(workspace, model)
    if model.base != base.sha256:
        raise UsageError(
            f"model {model.id} was trained on another base than model.base names",
            "set model.base to that one, or retrain",
        )
    return Chosen(base, model.adapter, note=f"model {model.id} is stale: {why}" if why else "")


def _untrained(workspace: Workspace, base: BaseModel, *, asked_for: bool) -> Chosen:
    habits = style.measure(style.own_texts(workspace.ledger))
    examples = prompts.examples(
        (row.tone, row.source_text, row.request, row.answer)
        for row in collect(workspace.ledger, workspace.config)
        if row.kind == REWRITE and not row.held_out
    )
    guide = style.guide(habits)
    helped = f"a style guide from {habits.passages} passages of yours" if guide else "no style guide yet"
    why = "" if asked_for else "no model has been promoted yet; "
    note = f"{why}the untrained base writes, with {helped} and {len(examples)} examples"
    return Chosen(base, guide=guide, examples=examples, note=note)
