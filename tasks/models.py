"""The models that tasks share in one worker process: loaded once, used by one task at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tonewright.models.base import BaseModel, find_base

if TYPE_CHECKING:
    from tonewright.models.llama import Embedder, LocalModel
    from tonewright.workspace import Workspace

_use = threading.Lock()
_embedders: dict[str, Embedder] = {}
_writers: dict[str, LocalModel] = {}


def base_of(workspace: Workspace) -> BaseModel:
    """The configured base. Raises `Missing` when it is not here."""
    return find_base(workspace.config.model.base)


@contextmanager
def embedder(workspace: Workspace) -> Iterator[Embedder]:
    """The base as an embedder, for as long as the block lasts."""
    from tonewright.models.llama import Embedder

    base = base_of(workspace)
    with _use:
        if base.sha256 not in _embedders:
            _embedders[base.sha256] = Embedder(base.gguf)
        yield _embedders[base.sha256]


@contextmanager
def writer(workspace: Workspace) -> Iterator[LocalModel]:
    """The untrained base as a writer, for as long as the block lasts."""
    from tonewright.models.llama import LocalModel

    base = base_of(workspace)
    with _use:
        if base.sha256 not in _writers:
            _writers[base.sha256] = LocalModel(base.gguf)
        yield _writers[base.sha256]


def close() -> None:
    """Free every model; a worker calls this before it ends."""
    with _use:
        for model in [*_embedders.values(), *_writers.values()]:
            model.close()
        _embedders.clear()
        _writers.clear()
