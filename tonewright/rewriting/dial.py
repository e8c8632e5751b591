"""The tone dial: a control vector per tone, taken from tagged passages when it is first asked for, and kept.

What is kept bears a hash of all that it was made of; anything else is made anew, and never used or handed out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright import prompts
from tonewright.corpus.tone_passages import tone_passages
from tonewright.errors import BadInput, TonewrightError
from tonewright.gguf.control_vector import read_control_vector, write_control_vector
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.chat import ChatFormat, answer_start
from tonewright.models.copies import quick_copy
from tonewright.models.gguf_header import read_header
from tonewright.models.states import States, layers_of
from tonewright.tones.directions import directions
from tonewright.tones.passages import Passage, require_passages
from tonewright.workspace import Workspace, make_private

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

MOST = 2.0  # of the dial; from about 1 on it costs fluency
FOLDER = "vectors"  # beside the adapter, and in the state folder for a bare base
VERSION = "1"
FIRST, LAST = 0.27, 0.8  # of the layers (docs/tone-vectors.md)
STRENGTH = 0.3  # what dial 1 adds over all these layers together, as a share of the states' length there
LENGTH = 1024  # tokens that are read of a passage and its plain version in their prompt

_Progress = Callable[[str], None]


@dataclass(frozen=True)
class Dial:
    """The control vectors of one model: a base, with an adapter or without."""

    workspace: Workspace
    base: BaseModel
    adapter: Path | None = None

    def kept(self) -> dict[str, Path]:
        """{tone: file} of the vectors that are there and still made of what there is."""
        files = {tone: self._folder / f"{tone}.gguf" for tone in self.workspace.vocabulary.names}
        return {tone: file for tone, file in files.items() if self._made_of(file) == self._key}

    def push(self, turned: Mapping[str, float], progress: _Progress = lambda told: None) -> dict[int, Floats]:
        """{layer: what is to be added to its states} for tones that are turned up to some value of the dial each.

        Raises `NothingToDo` for a tone with too few passages, and `BadInput` for a model that cannot be steered.
        """
        for tone in turned:
            require_passages(self._passages, tone, "leave --dial out")
        if not turned.keys() <= self.kept().keys():
            self._derive(progress)
        added: dict[int, Floats] = {}
        for tone, amount in turned.items():
            for layer, vector in read_control_vector(self._folder / f"{tone}.gguf").items():
                added[layer] = added.get(layer, 0) + vector * amount
        return added

    @property
    def _folder(self) -> Path:
        return (self.adapter.parent if self.adapter else self.workspace.state) / FOLDER

    @cached_property
    def _passages(self) -> list[Passage]:
        return tone_passages(self.workspace)

    @cached_property
    def _key(self) -> str:
        adapter = sha256_of(self.adapter) if self.adapter else ""
        made_of = [VERSION, self.base.sha256, adapter, self._passages]
        return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()

    def _made_of(self, file: Path) -> str:
        with suppress(TonewrightError):
            return str(read_header(file).get("tonewright.key"))
        return ""

    def _derive(self, progress: _Progress) -> None:
        """Make the vectors of all tones: they are told apart by each other."""
        import numpy as np

        total = layers_of(self.base.gguf)
        layers = range(max(2, round(FIRST * total)), min(total - 1, round(LAST * total)) + 1)
        if not layers:
            raise BadInput(f"{self.base.name} has {total} layers, too few for a dial", "name another base")
        states, lengths = [], []
        for number, (state, length) in enumerate(self._listen(layers), 1):
            progress(f"tone vectors: passage {number} of {len(self._passages)}")
            states.append(state)
            lengths.append(length)
        unit = STRENGTH / len(layers) * np.mean(lengths, axis=0)[:, None]
        make_private(self._folder)
        for tone, way in directions(states, self._passages).items():
            pushed = unit * way / np.linalg.norm(way, axis=1, keepdims=True)
            notes = {"key": self._key, "tone": tone, "base.name": self.base.name, "base.sha256": self.base.sha256}
            file = self._folder / f"{tone}.gguf"
            write_control_vector(file, dict(zip(layers, pushed)), self.base.family, notes=notes)

    def _listen(self, layers: range) -> Iterator[tuple[Floats, Floats]]:
        """Of each passage as the rewriting of its plain version: its tokens' mean state in each of `layers`, shape
        (layers, width), and the mean length of the states, shape (layers,)."""
        import numpy as np

        chat = ChatFormat.of(self.base.gguf)
        with States(quick_copy(self.base), layers, length=LENGTH, adapter=self.adapter) as model:
            for plain, text, *_ in self._passages:
                request = prompts.rewrite(plain, None)
                asked = model.tokenize(chat.prompt(request))
                whole = model.tokenize(chat.conversation(prompts.training_row(request, text)))[:LENGTH]
                read = model.read(whole)
                said = np.stack([read[layer][answer_start(asked, whole) :] for layer in layers])
                yield said.mean(axis=1), np.linalg.norm(said, axis=2).mean(axis=1)


def drop_vectors(workspace: Workspace) -> None:
    """Delete all vectors of a blog: what they were made of may have been forgotten, and they are soon made again."""
    for folder in (workspace.state / FOLDER, *workspace.state.glob(f"models/*/{FOLDER}")):
        shutil.rmtree(folder, ignore_errors=True)
