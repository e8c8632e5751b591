"""A job folder made ready to be trained: read, checked, converted, encoded, and cut to what this machine can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat
from tonewright.training import base_weights, preference
from tonewright.training.fitting import Fit, fitted
from tonewright.training.progress import ProgressFile
from tonewright.training.recipe import Recipe
from tonewright.training.rows import (
    Block,
    Example,
    Pair,
    Row,
    encode,
    encode_pair,
    fitting,
    pack,
    read_rows,
)
from tonewright.training.shape import Shape, shape_of
from tonewright.training.spec import Spec, read_spec


@dataclass(frozen=True)
class Work:
    """What a job asks for, as token ids, and how it is trained on this machine.

    `weights` is the folder of the base's weights. What is `left_out` (ids of rows) is too long. `pairs` is empty when
    there is no second stage.
    """

    folder: Path
    spec: Spec
    weights: Path
    shape: Shape
    chat: ChatFormat
    fit: Fit
    examples: list[Example]
    left_out: list[str]
    held: list[Row]
    held_examples: list[Example]
    held_left_out: list[str]
    longest: int  # tokens of the longest training row
    pairs: list[Pair]
    pairs_left_out: list[str]

    @property
    def blocks(self) -> list[Block]:
        """The training rows, packed."""
        return pack(self.examples, self.fit.recipe.sequence_length, self.fit.recipe.seed)

    @property
    def held_blocks(self) -> list[Block]:
        """The held-out rows, packed."""
        return pack(self.held_examples, self.fit.recipe.sequence_length, self.fit.recipe.seed)

    @property
    def pair_lengths(self) -> list[int]:
        """Tokens of the longer side of each pair."""
        return [pair.length for pair in self.pairs]


def prepare(folder: Path, progress: ProgressFile) -> Work:
    """Make the job in `folder` ready; no weights are in memory yet.

    Raises `BadInput` for what is wrong with its files and `TryLater` when it does not fit now.
    """
    progress.phase("check")
    spec = read_spec(folder)
    rows, held = read_rows(folder / "train.jsonl"), read_rows(folder / "heldout.jsonl")
    corrections = _corrections(folder / "preference.jsonl")
    progress.phase("convert")
    weights = spec.weights or base_weights.convert(spec.base, spec.sha256, spec.cache)
    progress.phase("encode")
    tokenize = base_weights.load_tokenizer(weights)
    chat = ChatFormat.of(spec.base)
    encoded, held_encoded = ([encode(row, chat, tokenize) for row in part] for part in (rows, held))
    pairs = [encode_pair(row, chat, tokenize) for row in corrections]
    progress.phase("plan")
    shape = shape_of(spec.base)
    missing = preference.why_not(len(pairs)) if spec.recipe.prefers(len(pairs)) else ""
    pair_lengths = [] if missing else [pair.length for pair in pairs]
    fit = fitted(folder, shape, spec.recipe, [len(e.ids) for e in encoded], pair_lengths)
    progress.changes = [*fit.changes, *([missing] if missing else [])]
    examples, left_out = fitting(encoded, fit.recipe.sequence_length)
    held_examples, held_left_out = fitting(held_encoded, fit.recipe.sequence_length)
    _require(examples, folder / "train.jsonl", fit.recipe)
    _require(held_examples, folder / "heldout.jsonl", fit.recipe)
    longest_pair = fit.second.sequence_length // 2 if fit.second else 0
    short = [pair for pair in pairs if pair.length <= longest_pair]
    return Work(
        *(folder, spec, weights, shape, chat, fit, examples, left_out, held, held_examples, held_left_out),
        longest=max((len(e.ids) for e in encoded), default=0),
        pairs=short,
        pairs_left_out=[pair.chosen.id for pair in pairs if pair.length > longest_pair],
    )


def _corrections(path: Path) -> list[Row]:
    rows = read_rows(path) if path.is_file() else []
    for row in rows:
        if not row.rejected:
            raise BadInput(f"{path}: row {row.id} does not say what was rejected", "export the snapshot again")
    return rows


def _require(examples: Sequence[Example], path: Path, recipe: Recipe) -> None:
    if not examples:
        raise BadInput(
            f"{path} holds no row of at most {recipe.sequence_length} tokens",
            "write more, or raise sequence_length in the recipe",
        )
