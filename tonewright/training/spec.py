"""What a job folder asks for: spec.json, read and checked before anything heavy is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tonewright.errors import BadInput
from tonewright.models.base import sha256_of
from tonewright.models.gguf_header import read_header
from tonewright.training.recipe import Recipe, recipe_from


@dataclass(frozen=True)
class Spec:
    """One run: `run` is its id, `base` the GGUF, `sha256` that file's, `cache` holds converted bases.

    `weights` is a folder with the base's original safetensors, for bases whose GGUF transformers cannot read.
    """

    run: str
    base: Path
    base_name: str
    sha256: str
    recipe: Recipe
    cache: Path
    weights: Path | None


def read_spec(folder: Path) -> Spec:
    """The spec in `folder`/spec.json. Relative paths are relative to `folder`.

    Raises `BadInput` when a field is missing, when the base is not the file that the spec means, and when
    the recipe's sequences are longer than the base's context.
    """
    path = folder / "spec.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        base = data["base"]
        spec = Spec(
            run=str(data["run"]),
            base=(folder / base["gguf"]).absolute(),
            base_name=str(base.get("name") or Path(base["gguf"]).stem),
            sha256=str(base["sha256"]),
            recipe=recipe_from(data["recipe"], f"{path}: recipe"),
            cache=(folder / Path(data["cache"]).expanduser()).absolute(),
            weights=(folder / base["weights"]).absolute() if base.get("weights") else None,
        )
    except OSError as e:
        raise BadInput(f"{path} cannot be read ({e.strerror})", "send the job again") from e
    except (ValueError, KeyError, TypeError) as e:
        raise BadInput(f"{path} is not a job ({e!r})", "send the job again") from e
    header = read_header(spec.base)
    context = header.get(f"{header.get('general.architecture')}.context_length", spec.recipe.sequence_length)
    if spec.recipe.sequence_length > context:
        raise BadInput(
            f"recipe {spec.recipe.name} wants sequences of {spec.recipe.sequence_length} tokens, and {spec.base_name} "
            f"reads {context}",
            "lower sequence_length in the recipe",
        )
    found = sha256_of(spec.base)
    if found != spec.sha256:
        raise BadInput(
            f"{spec.base} has SHA-256 {found[:12]}..., the job means {spec.sha256[:12]}...",
            "send the base again",
        )
    return spec
