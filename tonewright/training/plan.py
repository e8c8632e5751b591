"""What a run needs in memory, disk and time on a given machine, and what of its recipe has to shrink to fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from tonewright.training import memory
from tonewright.training.recipe import Recipe
from tonewright.training.shape import DENSE_LIMIT, Shape

SHORTEST, LEAST_RANK = 128, 4  # tokens and rank below which a voice is no longer learned
# FLOP in a second of training. Two cores with AVX512 came to 75e9 together, in float32; for a laptop's GPU this is a
# guess, good until a run has shown the real speed.
CORE_FLOPS, GPU_FLOPS = 37e9, 8e12
CONVERT_LESS = " (a base that comes as safetensors, `model.weights`, is not converted and needs less)"


@dataclass(frozen=True)
class Facts:
    """What a machine has for a run. Without a GPU (`gpu_bytes` 0) it trains on its processor.

    `bfloat16` says whether it multiplies that fast, which `dtype = "auto"` then takes; `tokens_per_second` is what an
    earlier run with the same base reached there, 0 when there was none.
    """

    ram_bytes: int
    disk_bytes: int
    gpu_bytes: int = 0
    cores: int = 2
    bfloat16: bool = False
    tokens_per_second: float = 0.0


@dataclass(frozen=True)
class Plan:
    """`recipe` is the one to run: as it was given, or shrunk by `changes`. Bytes and seconds are what it needs.

    `second` is the stage for preference pairs written as a recipe (see `second_stage`), None without one.
    `gpu` is 0 on a machine without one. `why` is a sentence for a person, whether it `fits` or not.
    """

    recipe: Recipe
    fits: bool
    why: str
    changes: tuple[str, ...]
    gpu: int
    ram: int
    disk: int
    seconds: float
    held: memory.Held
    second: Recipe | None = None


def plan(
    shape: Shape,
    recipe: Recipe,
    facts: Facts,
    lengths: Sequence[int] = (),
    *,
    pairs: Sequence[int] = (),
    converts: bool = True,
) -> Plan:
    """The largest version of `recipe` that fits on the machine of `facts`, or `recipe` itself and why none does.

    `lengths` are the training rows in tokens; they decide how long it takes and how short a sequence may become without
    losing a row. `pairs` are the longer sides of the preference pairs; the second stage shrinks by itself and is left
    out before it costs the first anything. `converts` is false where the base comes as safetensors (`model.weights`) or
    was converted before.
    """
    first = _first(shape, recipe, facts, lengths, converts)
    return _with_second(shape, first, facts, pairs, converts) if first.fits else first


def second_stage(recipe: Recipe, pairs: Sequence[int]) -> Recipe | None:
    """The stage for preference pairs (longer sides in tokens) after `recipe`, or None when too few of them fit in.

    It is written as a recipe whose one sequence is a pair, its two sides one after the other, so that whatever counts
    memory and time counts it too.
    """
    read = [n for n in pairs if n <= recipe.sequence_length]
    if not recipe.prefers(len(read)):
        return None
    return replace(
        recipe,
        batch=1,
        accumulation=recipe.preference_batch,
        sequence_length=2 * max(read),
        learning_rate=recipe.preference_learning_rate,
        epochs=recipe.preference_epochs,
        max_steps=0,
    )


def _first(shape: Shape, recipe: Recipe, facts: Facts, lengths: Sequence[int], converts: bool) -> Plan:
    whole = found = _need(shape, recipe, facts, lengths, (), converts)
    changes: list[str] = []
    for change, smaller in shrinkings(recipe, max(lengths, default=0)):
        if found.fits:
            return found
        changes.append(change)
        found = _need(shape, smaller, facts, lengths, changes, converts)
    return found if found.fits else whole


def _with_second(shape: Shape, first: Plan, facts: Facts, pairs: Sequence[int], converts: bool) -> Plan:
    """`first` with the largest version of the second stage that fits as well."""
    stage = second_stage(first.recipe, pairs)
    changes = list(first.changes)
    for change, smaller in [("", stage), *second_shrinkings(stage, pairs)] if stage else []:
        changes += [change] if change else []
        read = [2 * n for n in pairs if 2 * n <= smaller.sequence_length]
        need = _need(shape, smaller, facts, read, (), converts)
        if need.fits:
            gpu, ram, seconds = max(first.gpu, need.gpu), max(first.ram, need.ram), first.seconds + need.seconds
            both = replace(first, second=smaller, changes=tuple(changes), gpu=gpu, ram=ram, seconds=seconds)
            return replace(both, why=_sentence(both, facts, "", converts))
    if stage is None:
        return first
    return replace(first, changes=(*first.changes, "no preference stage, for which there is too little memory"))


def shrinkings(recipe: Recipe, longest: int = 0, *, same_adapter: bool = False) -> Iterator[tuple[str, Recipe]]:
    """Ever smaller versions of `recipe`, each with what changed: first what costs only time, last what costs quality.

    An optimiser step sees as many sequences as before: half the batch means twice the accumulation. Sequences become
    shorter than the `longest` row, which is then left out, only after all else. `same_adapter` keeps the rank.
    """
    now = recipe
    while now.batch > 1:
        batch = now.batch // 2
        now = replace(now, batch=batch, accumulation=ceil(now.batch * now.accumulation / batch))
        yield f"batch {now.batch} with {now.accumulation} accumulated", now
    if not now.gradient_checkpointing:
        now = replace(now, gradient_checkpointing=True)
        yield "gradient checkpointing", now
    while now.sequence_length // 2 >= max(SHORTEST, longest):
        now = replace(now, sequence_length=now.sequence_length // 2)
        yield f"sequences of {now.sequence_length} tokens", now
    while now.method != "ia3" and now.rank // 2 >= LEAST_RANK and not same_adapter:
        now = replace(now, rank=now.rank // 2, alpha=max(1, now.alpha // 2))
        yield f"rank {now.rank}", now
    while now.sequence_length // 2 >= SHORTEST:
        now = replace(now, sequence_length=now.sequence_length // 2)
        yield f"sequences of {now.sequence_length} tokens, which leave longer rows out", now


def second_shrinkings(stage: Recipe, pairs: Sequence[int]) -> Iterator[tuple[str, Recipe]]:
    """Ever smaller versions of a second stage, as long as enough of the `pairs` are short enough for them."""
    for change, smaller in shrinkings(stage, stage.sequence_length, same_adapter=True):
        if smaller.prefers(sum(2 * n <= smaller.sequence_length for n in pairs)):
            yield f"for preference pairs {change}", smaller


def _need(
    shape: Shape, recipe: Recipe, facts: Facts, lengths: Sequence[int], changes: Sequence[str], converts: bool
) -> Plan:
    cuda = facts.gpu_bytes > 0
    element = _element(recipe, facts)
    held = memory.held(shape, recipe, element, cuda=cuda)
    gpu, ram = _peaks(shape, recipe, held, cuda=cuda, converts=converts)
    copy = shape.dense_bytes // (1 if shape.dense_bytes <= DENSE_LIMIT else 2) if converts else 0
    # The base as it was sent, its converted copy, three checkpoints with the optimiser's state, and what comes out.
    adapter = memory.adapter_parameters(shape, recipe)
    disk = 2 * shape.parameters + copy + adapter * (3 * 12 + 6) + 100_000_000
    made = Plan(recipe, True, "", tuple(changes), gpu, ram, disk, _seconds(shape, recipe, facts, lengths), held)
    lacking = _lacking(made, facts)
    return replace(made, fits=not lacking, why=_sentence(made, facts, lacking, converts))


def _element(recipe: Recipe, facts: Facts) -> int:
    if recipe.dtype == "auto":
        return 2 if facts.bfloat16 else 4
    return 2 if recipe.dtype == "bfloat16" else 4


def _peaks(shape: Shape, recipe: Recipe, held: memory.Held, *, cuda: bool, converts: bool) -> tuple[int, int]:
    """(bytes of GPU memory, bytes of RAM) at the run's worst moment.

    The RAM's may be while it trains, while the GGUF is converted (1.7 times all weights in float32, as measured), or
    while the adapter on the base in float32 is compared with the export, beside the model that was trained.
    """
    convert = 1.7 * shape.dense_bytes if converts else 0
    compare = shape.dense_bytes if shape.dense_bytes <= DENSE_LIMIT else 0
    if cuda:
        tensors = held.weights + memory.CACHED * (held.total - held.weights)
        return round(tensors + memory.CONTEXT), round(memory.CUDA_LIBRARIES + max(convert, compare))
    step = held.weights + held.adapter + memory.HEAP * (held.activations + held.logits)
    return 0, round(memory.libraries(recipe) + max(step, convert, held.weights + held.adapter + compare))


def _seconds(shape: Shape, recipe: Recipe, facts: Facts, lengths: Sequence[int]) -> float:
    """How long the steps take: 2 FLOP a weight and token forward, 2 back to the inputs, 2 to do a layer again
    (Kaplan et al. 2020, section 2.1, without the gradients of weights that do not learn); 0 when no rows are known."""
    fitting = [n for n in lengths if n <= recipe.sequence_length]
    tokens = float(sum(fitting)) * recipe.epochs
    if recipe.max_steps and fitting:
        tokens = float(recipe.max_steps * recipe.batch * recipe.accumulation * recipe.sequence_length)
    if facts.tokens_per_second:
        return tokens / facts.tokens_per_second
    each = shape.linear * (6 if recipe.gradient_checkpointing else 4) + 4 * shape.vocabulary * shape.width
    return tokens * each / (GPU_FLOPS if facts.gpu_bytes else facts.cores * CORE_FLOPS)


def _lacking(made: Plan, facts: Facts) -> str:
    """What there is too little of: gpu, ram or disk; empty when it fits."""
    for name, has in (("gpu", facts.gpu_bytes), ("ram", facts.ram_bytes), ("disk", facts.disk_bytes)):
        if getattr(made, name) > has and (name != "gpu" or has):
            return name
    return ""


def _sentence(made: Plan, facts: Facts, lacking: str, converts: bool) -> str:
    changed = f" with {', '.join(made.changes)}" if made.changes else ""
    if not lacking:
        return f"recipe {made.recipe.name} fits{changed}"
    word = {"gpu": "of GPU memory", "ram": "of RAM", "disk": "on the disk"}[lacking]
    needs, has = getattr(made, lacking), getattr(facts, f"{lacking}_bytes")
    sentence = f"recipe {made.recipe.name} needs {needs / 1e9:.1f} GB {word}{changed}, and {has / 1e9:.1f} GB are there"
    return f"{sentence}{CONVERT_LESS if lacking == 'ram' and converts else ''}"
