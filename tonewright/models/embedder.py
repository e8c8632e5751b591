"""Text to vectors: what a GGUF language model makes of a text halfway through its layers.

How something is said stands out best in the middle of a model; its last layers are about the next word. On two cores,
stopping there saves two fifths of the time as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.models.states import States, layers_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEPTH = 0.6  # of the layers; on examples/tones.jsonl, from 0.2 to 1.0 in steps of a fifteenth, the best
LENGTH = 512  # tokens of a text that are read
VERSION = "middle-2"  # another one: vectors that were kept are of no use


class Embedder(States):
    """The states of a text's tokens after `DEPTH` of the layers: that of the last one beside the mean of all.

    `width` is twice that of the model. The first token is left out of the mean of longer texts: models park attention
    there, and its state is the same, and a hundred times as large, in every text.
    """

    def __init__(self, gguf: Path, *, threads: int | None = None) -> None:
        layer = max(1, round(DEPTH * layers_of(gguf)))
        super().__init__(gguf, [layer], length=LENGTH, threads=threads)
        self.width = 2 * self._llama.n_embd()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 per text, shape (n, width); tokens beyond `LENGTH` are cut off."""
        import numpy as np

        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in zip(rows, texts):
            (states,) = self.read(self.tokenize(text or " ")[:LENGTH]).values()
            row[:] = np.concatenate([_unit(states[-1]), _unit(states[min(1, len(states) - 1) :].mean(axis=0))])
            row /= np.linalg.norm(row)
        return rows


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit
