"""The models that tasks share in one worker process: loaded once, used by one task at a time."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.corpus.plain import PLAIN_MAKERS, PlainMaker
from tonewright.models.base import BaseModel, find_base
from tonewright.models.trial import require_loadable
from tonewright.models.vectors import KeptEmbedder
from tonewright.tones.tagger import Tagger
from tonewright.tones.taggers import make_tagger
from tonewright.workspace import cache_folder

if TYPE_CHECKING:
    from tonewright.models.llama import Embedder, LocalModel
    from tonewright.workspace import Workspace

_use = threading.Lock()
_embedders: dict[str, tuple[Embedder, KeptEmbedder]] = {}
_writers: dict[str, LocalModel] = {}
_taggers: dict[Hashable, Tagger] = {}
_makers: dict[Hashable, PlainMaker] = {}


def base_of(workspace: Workspace) -> BaseModel:
    """The configured base. Raises `Missing` when it is not here."""
    return find_base(workspace.config.model.base)


@contextmanager
def tagger(workspace: Workspace, labels: Sequence[tuple[str, str]]) -> Iterator[Tagger]:
    """The configured tagger, taught with the author's `labels`, for as long as the block lasts."""
    settings = workspace.config.tagger
    base = base_of(workspace)
    taught = (base.sha256, workspace.vocabulary, settings, tuple(labels))
    with _use:
        if taught not in _taggers:
            _taggers.clear()  # one author, one set of labels at a time
            _taggers[taught] = make_tagger(
                settings.use, lambda: _embedder(base), labels, workspace.vocabulary, settings.threshold
            )
        yield _taggers[taught]


def _embedder(base: BaseModel) -> KeptEmbedder:
    from tonewright.models.llama import Embedder

    if base.sha256 not in _embedders:
        require_loadable(base)
        model = Embedder(base.gguf)
        file = cache_folder() / "vectors" / f"{base.sha256[:16]}.db"
        _embedders[base.sha256] = (model, KeptEmbedder(model, file))
    return _embedders[base.sha256][1]


@contextmanager
def plain_maker(workspace: Workspace) -> Iterator[PlainMaker]:
    """The configured maker of plain versions, for as long as the block lasts."""
    named = workspace.config.model.base  # looked for only by a maker that needs it
    chosen = (named, workspace.config.pairs)
    with _use:
        if chosen not in _makers:
            make = PLAIN_MAKERS[workspace.config.pairs.use]
            _makers[chosen] = make(lambda: _writer(base_of(workspace)), Path(named).stem)
        yield _makers[chosen]


def _writer(base: BaseModel) -> LocalModel:
    from tonewright.models.llama import LocalModel

    if base.sha256 not in _writers:
        require_loadable(base)
        _writers[base.sha256] = LocalModel(base.gguf)
    return _writers[base.sha256]


def close() -> None:
    """Free every model; a worker calls this before it ends."""
    with _use:
        for model, kept in _embedders.values():
            kept.close()
            model.close()
        for writer in _writers.values():
            writer.close()
        for known in (_embedders, _writers, _taggers, _makers):
            known.clear()
