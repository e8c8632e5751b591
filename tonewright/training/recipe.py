"""The settings of one training run: read from TOML, checked, named in full."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import tomli

from tonewright.errors import ConfigError, Refused

SHIPPED = Path(__file__).parent / "recipes"
METHODS = ("qlora", "lora", "dora", "ia3")
FOUR_BIT = ("qlora",)  # methods that hold the frozen base in 4-bit NF4
CARRIED = ("qlora", "lora")  # methods whose adapters a GGUF file can carry
_DTYPES = ("auto", "float32", "bfloat16")
_PREFERENCE = ("dpo", "off")


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes an adapter besides base and rows; the same recipe, base and rows give the same
    run.

    Lengths are in tokens, `warmup` is the share of the steps, `epochs` counts only while `max_steps` is 0.
    One optimiser step sees `batch` x `accumulation` packed sequences.

    A second stage follows where there are `min_pairs` preference pairs: so few still say the same thing often enough to
    be a habit rather than one edit, and make a few steps of `preference_batch` pairs each.
    """

    name: str = "custom"
    method: str = "qlora"  # qlora: on the base in 4-bit NF4; lora, dora, ia3: on the base as it is
    dtype: str = "auto"  # of the frozen part: bfloat16 where the hardware has it; the adapter is always float32
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = ("all-linear",)
    learning_rate: float = 2e-4
    warmup: float = 0.05
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    epochs: float = 3.0
    max_steps: int = 0
    sequence_length: int = 512
    batch: int = 1
    accumulation: int = 1
    gradient_checkpointing: bool = False
    checkpoint_steps: int = 50
    seed: int = 0
    preference: str = "dpo"  # or off: what the second stage does
    min_pairs: int = 20
    preference_beta: float = 0.1  # how dear it is to leave the supervised model: the paper's usual value
    preference_learning_rate: float = 5e-5  # a fraction of the first stage's: it corrects, and is not to teach anew
    preference_epochs: float = 3.0
    preference_batch: int = 4

    def __post_init__(self) -> None:
        for name, allowed in (("method", METHODS), ("dtype", _DTYPES), ("preference", _PREFERENCE)):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"recipe {self.name}: {name} is {getattr(self, name)!r}",
                    f"choose one of {', '.join(allowed)}",
                )
        whole = ("rank", "alpha", "sequence_length", "batch", "accumulation", "checkpoint_steps")
        second = ("min_pairs", "preference_beta", "preference_learning_rate", "preference_epochs", "preference_batch")
        for name in (*whole, "learning_rate", "max_grad_norm", "epochs", *second):
            if not getattr(self, name) > 0:
                raise ConfigError(f"recipe {self.name}: {name} is {getattr(self, name)}", "it must be above 0")
        for name in ("dropout", "warmup"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"recipe {self.name}: {name} is {getattr(self, name)}", "it must be in [0, 1)")
        if self.max_steps < 0 or self.weight_decay < 0 or not self.targets:
            raise ConfigError(f"recipe {self.name}: max_steps, weight_decay or targets make no sense")

    def prefers(self, pairs: int) -> bool:
        """Whether `pairs` preference pairs are enough for a second stage."""
        return self.preference != "off" and pairs >= self.min_pairs


def require_carried(recipe: Recipe) -> None:
    """Raise `Refused` when no GGUF file could carry what `recipe` trains, so that nothing is sent in vain."""
    if recipe.method not in CARRIED:
        raise Refused(
            f"recipe {recipe.name}: llama.cpp knows no adapters of the method {recipe.method}",
            f"set method to {' or '.join(CARRIED)}; docs/training.md tells how to train {recipe.method} for PEFT alone",
        )


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by its name ("smollm2-135m"), or the one in a TOML file.

    Raises `ConfigError` for a file that cannot be read, and for unknown keys, with the nearest known one.
    """
    path = Path(name_or_path).expanduser() if name_or_path.endswith(".toml") else SHIPPED / f"{name_or_path}.toml"
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml")))
        raise ConfigError(
            f"there is no recipe {name_or_path!r}", f"give a path that ends in .toml, or one of {known}"
        ) from e
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path} is not TOML ({e})") from e
    return recipe_from(data, str(path), name=path.stem)


def recipe_from(data: Mapping[str, Any], where: str, name: str = "custom") -> Recipe:
    """A recipe from the keys in `data`; `where` is their source, for messages, `name` the default name."""
    types = {f.name: f.type for f in fields(Recipe)}
    values: dict[str, Any] = {"name": name}
    for key, value in data.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            raise ConfigError(f"{where}: unknown key {key!r}", f"did you mean {near[0]!r}?" if near else "remove it")
        values[key] = _typed(value, str(types[key]), f"{where}: {key}")
    return Recipe(**values)


def _typed(value: Any, wanted: str, where: str) -> Any:
    """`value` as the type that the field's annotation names; TOML's integers may stand for floats."""
    if wanted == "float" and type(value) in (int, float):
        return float(value)
    if wanted.startswith("tuple") and isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if type(value).__name__ == wanted:
        return value
    raise ConfigError(f"{where} is {value!r}", f"it must be a {wanted}")
