"""Recipes are files that a person can read, and mistakes in them are named."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tonewright.errors import ConfigError
from tonewright.training.recipe import SHIPPED, Recipe, load_recipe, recipe_from


@pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("*.toml")))
def test_every_shipped_recipe_loads(name: str) -> None:
    """What we ship is valid, carries its name, and survives the way through a job's JSON."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe_from(json.loads(json.dumps(asdict(recipe))), "spec.json") == recipe


def test_the_recipes_for_small_gpus_are_there() -> None:
    """The demonstration, the default for a real voice, and three more models for 8 GB."""
    assert {p.stem for p in SHIPPED.glob("*.toml")} == {
        "smollm2-135m",
        "smollm2-1.7b",
        "tinyllama-1.1b",
        "phi-2",
        "codellama-7b",
    }


def test_a_recipe_of_the_authors_own_is_a_path(tmp_path: Path) -> None:
    """Any TOML file will do; what it does not say keeps its default."""
    path = tmp_path / "mine.toml"
    path.write_text("rank = 4\nlearning_rate = 1\n", encoding="utf-8")
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.rank, recipe.learning_rate, recipe.alpha) == ("mine", 4, 1.0, Recipe().alpha)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = 1e-4", "did you mean 'learning_rate'"),
        ("rank = 'high'", "it must be a int"),
        ("rank = true", "it must be a int"),
        ("rank = 0", "it must be above 0"),
        ("warmup = 3", "it must be in"),
        ('preference = "ppo"', "choose one of dpo, off"),
        ("min_pairs = 0", "it must be above 0"),
        ('method = "galore"', "choose one of qlora, lora, dora, ia3"),
        ('targets = "q_proj"', "must be a tuple"),
        ("rank = ", "is not TOML"),
    ],
)
def test_a_mistake_is_answered_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    """A misspelt key, a wrong type and an impossible value never pass silently."""
    path = tmp_path / "mine.toml"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_recipe(str(path))


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    """So that nobody has to look into the package."""
    with pytest.raises(ConfigError, match="smollm2-135m"):
        load_recipe("smolm")
