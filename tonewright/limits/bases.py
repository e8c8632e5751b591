"""The bases at hand: the configured one, those that the author names, and those that models were trained on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from tonewright.models.base import BaseModel, find_base, sha256_of
from tonewright.models.registry import Model
from tonewright.workspace import Workspace, cache_folder


def bases(workspace: Workspace, named: Sequence[str], models: Sequence[Model]) -> list[BaseModel]:
    """Each once, the configured one first. Raises `Missing` or `BadInput` for one that is named and cannot be used."""
    found = [find_base(name) for name in (workspace.config.model.base, *named)]
    found += [kept for model in models if (kept := _kept(workspace, model))]
    first: dict[str, BaseModel] = {}
    for base in found:
        first.setdefault(base.sha256, base)
    return list(first.values())


def _kept(workspace: Workspace, model: Model) -> BaseModel | None:
    """The base that this machine has kept from training `model`."""
    file = cache_folder() / "host" / "blobs" / model.base
    if not file.is_file() or sha256_of(file) != model.base:
        return None
    spec = workspace.state / "runs" / model.run / "spec.json"
    name = json.loads(spec.read_text(encoding="utf-8"))["base"]["name"] if spec.is_file() else model.base[:12]
    return dataclasses.replace(find_base(str(file)), name=name)
