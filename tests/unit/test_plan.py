"""The planner's arithmetic: what it shrinks, in which order, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonewright.errors import Refused
from tonewright.training.plan import Facts, plan, second_shrinkings, second_stage, shrinkings
from tonewright.training.recipe import METHODS, SHIPPED, Recipe, load_recipe, require_carried
from tonewright.training.shape import Shape

GB = 10**9
LAPTOP = Facts(ram_bytes=32 * GB, disk_bytes=100 * GB, gpu_bytes=round(7.2 * 2**30), cores=16, bfloat16=True)
# The real models of the recipes, as their config.json has them.
SHAPES = {
    "smollm2-135m": Shape(30, 576, 1536, 9, 3, 64, 49152, True, True),
    "smollm2-1.7b": Shape(24, 2048, 8192, 32, 32, 64, 49152, True, True),
    "tinyllama-1.1b": Shape(22, 2048, 5632, 32, 4, 64, 32000, True, False),
    "phi-2": Shape(32, 2560, 10240, 32, 32, 80, 51200, False, False),
    "codellama-7b": Shape(32, 4096, 11008, 32, 32, 128, 32016, True, False),
}


def test_parameters_are_those_of_the_real_models() -> None:
    """Counted from the shape, without norms and biases, within a thousandth of what is published."""
    millions = {name: round(shape.parameters / 1e6) for name, shape in SHAPES.items()}
    assert millions == {
        "smollm2-135m": 134, "smollm2-1.7b": 1711, "tinyllama-1.1b": 1100, "phi-2": 2779, "codellama-7b": 6738,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("*.toml")))
def test_every_shipped_recipe_fits_on_8_gb(name: str) -> None:
    """As it is written, on what a desktop leaves of the card, with the base's own safetensors."""
    found = plan(SHAPES[name], load_recipe(name), LAPTOP, converts=False)
    assert (found.fits, found.changes) == (True, ()), found.why


@pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("*.toml")))
def test_preference_pairs_fit_on_8_gb_as_well(name: str) -> None:
    """Pairs as long as the recipe reads change nothing of the first stage, and the plan counts the larger one."""
    recipe = load_recipe(name)
    rows, pairs = [recipe.sequence_length] * 100, [recipe.sequence_length] * recipe.min_pairs
    without, found = (plan(SHAPES[name], recipe, LAPTOP, rows, pairs=p, converts=False) for p in ((), pairs))
    assert (found.fits, found.changes, found.recipe) == (True, (), recipe), found.why
    assert found.second is not None
    assert found.second.sequence_length == 2 * recipe.sequence_length
    assert (found.gpu > without.gpu, found.seconds > without.seconds) == (recipe.batch == 1, True)


def test_the_second_stage_gives_way_to_the_first() -> None:
    """It shrinks by itself, as long as enough pairs are short enough, and is left out before the first one suffers."""
    shape, recipe = SHAPES["smollm2-1.7b"], load_recipe("smollm2-1.7b")
    pairs = [1000] * 10 + [400] * 20
    first = plan(shape, recipe, LAPTOP, converts=False)
    tight = replace(LAPTOP, gpu_bytes=first.gpu)
    found = plan(shape, recipe, tight, pairs=pairs, converts=False)
    assert found.changes == ("for preference pairs sequences of 1000 tokens, which leave longer rows out",)
    assert (found.recipe, found.gpu) == (recipe, first.gpu)
    none = plan(shape, recipe, tight, pairs=[1000] * 30, converts=False)
    assert (none.fits, none.second, none.recipe) == (True, None, recipe)
    assert none.changes == ("no preference stage, for which there is too little memory",)


def test_too_few_pairs_make_no_second_stage() -> None:
    """Fewer than `min_pairs`, too long ones not counted, or "off"; what shrinks keeps the adapter's rank."""
    recipe = Recipe(min_pairs=4, sequence_length=256)
    assert second_stage(recipe, [100] * 3) is None
    assert second_stage(recipe, [100] * 3 + [300]) is None
    assert second_stage(replace(recipe, preference="off"), [100] * 4) is None
    stage = second_stage(recipe, [100] * 4)
    assert stage is not None
    assert (stage.sequence_length, stage.batch, stage.learning_rate) == (200, 1, recipe.preference_learning_rate)
    assert [change for change, _ in second_shrinkings(stage, [100] * 4)] == [
        "for preference pairs gradient checkpointing"
    ]


def test_the_first_thing_to_shrink_costs_only_time() -> None:
    """Batch before checkpointing before length before rank, and as many sequences in a step as before."""
    recipe = Recipe(batch=4, accumulation=2, sequence_length=1024, rank=16)
    steps = list(shrinkings(recipe, longest=300))
    assert [change for change, _ in steps] == [
        "batch 2 with 4 accumulated",
        "batch 1 with 8 accumulated",
        "gradient checkpointing",
        "sequences of 512 tokens",
        "rank 8",
        "rank 4",
        "sequences of 256 tokens, which leave longer rows out",
        "sequences of 128 tokens, which leave longer rows out",
    ]
    assert {s.batch * s.accumulation for _, s in steps} == {8}
    assert {s.alpha / s.rank for _, s in steps} == {2.0}


def test_a_recipe_too_large_is_shrunk_until_it_fits() -> None:
    """And no further: the step before did not fit."""
    greedy = replace(load_recipe("codellama-7b"), batch=4, gradient_checkpointing=False, sequence_length=2048)
    found = plan(SHAPES["codellama-7b"], greedy, LAPTOP, converts=False)
    assert found.fits
    assert found.recipe.gradient_checkpointing
    assert found.gpu <= LAPTOP.gpu_bytes
    before = [recipe for _, recipe in shrinkings(greedy)][len(found.changes) - 2]
    held = plan(SHAPES["codellama-7b"], before, replace(LAPTOP, gpu_bytes=100 * GB), converts=False)
    assert held.gpu > LAPTOP.gpu_bytes


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(LAPTOP, gpu_bytes=3 * GB), "of GPU memory"),
        (replace(LAPTOP, disk_bytes=GB), "on the disk"),
        (replace(LAPTOP, gpu_bytes=0, ram_bytes=3 * GB), "of RAM"),
    ],
)
def test_what_does_not_fit_is_said_in_numbers(facts: Facts, words: str) -> None:
    """What is needed, what is there, and nothing is shrunk in vain."""
    found = plan(SHAPES["codellama-7b"], load_recipe("codellama-7b"), facts, converts=False)
    assert (found.fits, found.changes) == (False, ())
    assert words in found.why
    assert "GB are there" in found.why


def test_conversion_is_what_takes_the_memory_of_a_large_base() -> None:
    """With the original safetensors it fits; without, the way out is named."""
    recipe, shape = load_recipe("codellama-7b"), SHAPES["codellama-7b"]
    assert plan(shape, recipe, LAPTOP, converts=False).fits
    assert "model.weights" in plan(shape, recipe, LAPTOP).why


def test_time_follows_the_rows_and_what_the_host_has_shown() -> None:
    """Twice the rows take twice as long, and a measured speed counts for more than the formula."""
    shape, recipe = SHAPES["smollm2-135m"], load_recipe("smollm2-135m")
    one, two = (plan(shape, recipe, LAPTOP, [200] * n).seconds for n in (100, 200))
    assert two == pytest.approx(2 * one)
    assert plan(shape, recipe, replace(LAPTOP, tokens_per_second=100.0), [200] * 100).seconds == 200.0
    assert plan(shape, recipe, LAPTOP, [10_000]).seconds == 0


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_gguf_cannot_carry_is_refused_early(method: str) -> None:
    """From the recipe alone, with the way out."""
    if method in ("qlora", "lora"):
        require_carried(Recipe(method=method))
    else:
        with pytest.raises(Refused, match="set method to qlora or lora"):
            require_carried(Recipe(method=method))
