"""What this blog's next run needs, beside what each of its machines has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tonewright import prompts, runs
from tonewright.corpus import snapshot
from tonewright.corpus.rows import Row, collect_with_reasons
from tonewright.errors import NothingToDo, TonewrightError
from tonewright.hosts import facts, lacks, remedy, settings_for
from tonewright.models.base import BaseModel, find_base
from tonewright.models.chat import ChatFormat
from tonewright.remote.host import open_host
from tonewright.training.plan import Facts, Plan, plan
from tonewright.training.recipe import Recipe, load_recipe, require_carried
from tonewright.training.shape import Shape, shape_of
from tonewright.workspace import Workspace

CHARACTERS = 4  # of English in a token, roughly; the trainer counts them exactly


@dataclass(frozen=True)
class Wanted:
    """A run before it is sent: `lengths` are its training rows in tokens, estimated from their characters, and `pairs`
    the longer sides of its preference pairs."""

    base: BaseModel
    shape: Shape
    recipe: Recipe
    lengths: tuple[int, ...]
    pairs: tuple[int, ...]
    converts: bool

    def on(self, facts: Facts) -> Plan:
        """What it needs on the machine of `facts`."""
        return plan(self.shape, self.recipe, facts, self.lengths, pairs=self.pairs, converts=self.converts)


def wanted(workspace: Workspace) -> Wanted:
    """The run that the corpus, the recipe and the base would make now.

    Raises `Refused` for a recipe whose adapter no GGUF file could carry and `NothingToDo` for an empty corpus.
    """
    recipe = load_recipe(workspace.config.training.recipe)
    require_carried(recipe)
    base = find_base(workspace.config.model.base)
    chat = ChatFormat.of(base.gguf)
    rows = collect_with_reasons(workspace.ledger, workspace.config).rows
    parts = snapshot.divided(rows, second=recipe.prefers)
    lengths = tuple(_tokens(chat, row, row.answer) for row in parts[snapshot.TRAIN_FILE])
    if not lengths:
        raise NothingToDo("the corpus has no rows yet", "`tonewright status` shows what is on its way")
    corrected = parts.get(snapshot.PREFERENCE_FILE, [])
    pairs = tuple(_tokens(chat, row, max(row.answer, row.rejected, key=len)) for row in corrected)
    return Wanted(base, shape_of(base.gguf), recipe, lengths, pairs, converts=not workspace.config.model.weights)


def _tokens(chat: ChatFormat, row: Row, answer: str) -> int:
    return -(-len(chat.conversation(prompts.training_row(row.request, answer))) // CHARACTERS)


def on_hosts(workspace: Workspace, run: Wanted) -> Iterator[tuple[str, Plan | TonewrightError]]:
    """Each host under `training.host` with the plan for it, or with what kept it from answering."""
    for name in workspace.config.training.host:
        try:
            with open_host(settings_for(workspace, name)) as host:
                report = host.check()
        except TonewrightError as e:
            yield name, e
            continue
        if why := lacks(report):
            yield name, TonewrightError(f"host {name} {why}", remedy(report))
        else:
            yield name, run.on(replace(facts(report), tokens_per_second=_shown_speed(workspace, name, run)))


def _shown_speed(workspace: Workspace, host: str, run: Wanted) -> float:
    """Tokens a second that the latest run with this base and recipe reached on `host`; 0 when there was none."""
    for past in runs.every(workspace.ledger):
        speed = float((past.progress.get("progress") or {}).get("tokens_per_second") or 0)
        if speed and (past.host, past.base, past.recipe) == (host, run.base.sha256, run.recipe.name):
            return speed
    return 0.0
