"""The models that tasks share in one worker process: loaded once, used by one task at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.corpus.plain import PLAIN_MAKERS, PlainMaker
from tonewright.models.base import BaseModel, find_base
from tonewright.models.copies import quick_copy
from tonewright.models.trial import require_loadable
from tonewright.models.vectors import KeptEmbedder
from tonewright.notes.transcribers import make_transcriber
from tonewright.notes.words import Transcriber
from tonewright.tones.prompted import ToneScores, prompt_digest
from tonewright.tones.tagger import NoTagger, Tagger, TextEmbedder
from tonewright.tones.taggers import Means, make_tagger
from tonewright.tones.vocabulary import Vocabulary
from tonewright.workspace import cache_folder

if TYPE_CHECKING:
    from tonewright.models.engine import Engine
    from tonewright.models.llama import LocalModel
    from tonewright.workspace import Workspace

_use = threading.Lock()
_hearing = threading.Lock()  # a long note takes minutes, and tagging need not wait for it
_embedders: dict[str, tuple[Engine, KeptEmbedder]] = {}  # with what it keeps: vectors, or scores of tones
_writers: dict[str, LocalModel] = {}
_taggers: dict[Hashable, Tagger] = {}
_makers: dict[Hashable, PlainMaker] = {}
_transcribers: dict[Hashable, Transcriber | None] = {}


def base_of(workspace: Workspace) -> BaseModel:
    """The configured base. Raises `Missing` when it is not here."""
    return find_base(workspace.config.model.base)


@contextmanager
def tagger(workspace: Workspace, labels: Sequence[tuple[str, str]]) -> Iterator[Tagger]:
    """The configured tagger, taught with the author's `labels`, for as long as the block lasts."""
    settings = workspace.config.tagger
    if settings.use == "hosted":  # whoever stands in for it here
        settings = replace(settings, use=workspace.config.hosted.fallback_tagger)
    if settings.use == "none":
        yield NoTagger()
        return
    taught = (base_of(workspace).sha256, workspace.vocabulary, settings, tuple(labels))
    with _use:
        if taught not in _taggers:
            _taggers.clear()  # one author, one set of labels at a time
            _taggers[taught] = make_tagger(settings.use, means(workspace, labels))
        yield _taggers[taught]


def means(workspace: Workspace, labels: Sequence[tuple[str, str]]) -> Means:
    """What any tagger of this blog is made of; the models stay open until `close`."""
    settings = workspace.config.tagger
    return Means(
        lambda: _embedder(base_of(workspace)),
        lambda: _scores(find_base(settings.model or workspace.config.model.base), workspace.vocabulary),
        labels,
        workspace.vocabulary,
        settings.threshold,
    )


@contextmanager
def embedder(workspace: Workspace) -> Iterator[TextEmbedder]:
    """The base as a maker of vectors, with its memory, for as long as the block lasts."""
    base = base_of(workspace)
    with _use:
        yield _embedder(base)


def pace(workspace: Workspace, name: str, passages: Sequence[str]) -> float:
    """Passages per second of `embedded` or `local` on texts that are new to it: the model is asked, not its memory."""
    made = means(workspace, [])
    kept = made.scores()[0] if name == "local" else made.embedder()
    model = kept.model if isinstance(kept, KeptEmbedder) else kept
    begun = time.perf_counter()
    model.embed(passages)
    return len(passages) / (time.perf_counter() - begun)


def _embedder(base: BaseModel) -> KeptEmbedder:
    from tonewright.models import embedder
    from tonewright.tones.exemplars import shipped_vectors

    name = f"{base.sha256[:16]}-{embedder.VERSION}"
    if name not in _embedders:
        require_loadable(base)
        model = embedder.Embedder(quick_copy(base))
        known = shipped_vectors(base.sha256, embedder.VERSION)
        _embedders[name] = (model, KeptEmbedder(model, _kept_in(name), known))
    return _embedders[name][1]


def _scores(model: BaseModel, vocabulary: Vocabulary) -> tuple[KeptEmbedder, str]:
    from tonewright.models.choices import Choices

    name = f"{model.sha256[:16]}-tones-{prompt_digest(vocabulary)}"
    if name not in _embedders:
        require_loadable(model)
        choices = Choices(model.gguf)
        _embedders[name] = (choices, KeptEmbedder(ToneScores(choices, vocabulary), _kept_in(name)))
    return _embedders[name][1], f"{model.name} {model.sha256[:8]}"


def _kept_in(name: str) -> Path:
    return cache_folder() / "vectors" / f"{name}.db"


@contextmanager
def plain_maker(workspace: Workspace) -> Iterator[PlainMaker]:
    """The configured maker of plain versions, for as long as the block lasts."""
    named = workspace.config.model.base  # looked for only by a maker that needs it
    use = workspace.config.pairs.use
    use = workspace.config.hosted.fallback_pairs if use == "hosted" else use  # whoever stands in for it here
    chosen = (named, use)
    with _use:
        if chosen not in _makers:
            make = PLAIN_MAKERS[use]
            _makers[chosen] = make(lambda: _writer(base_of(workspace)), Path(named).stem)
        yield _makers[chosen]


def _writer(base: BaseModel) -> LocalModel:
    from tonewright.models.llama import LocalModel

    if base.sha256 not in _writers:
        require_loadable(base)
        _writers[base.sha256] = LocalModel(base.gguf)
    return _writers[base.sha256]


@contextmanager
def transcriber(workspace: Workspace) -> Iterator[Transcriber | None]:
    """The configured transcriber for as long as the block lasts; None where the author writes the words."""
    chosen = (workspace.root, workspace.config.notes)
    with _hearing:
        if chosen not in _transcribers:
            _transcribers.clear()
            _transcribers[chosen] = make_transcriber(workspace)
        yield _transcribers[chosen]


def close() -> None:
    """Free every model; a worker calls this before it ends."""
    with _use, _hearing:
        for model, kept in _embedders.values():
            kept.close()
            model.close()
        for writer in _writers.values():
            writer.close()
        for known in (_embedders, _writers, _taggers, _makers, _transcribers):
            known.clear()
