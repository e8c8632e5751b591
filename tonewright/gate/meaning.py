"""Whether answers still mean what was asked, by vectors: whose answer is this?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def meaning(
    sources: NDArray[np.float32], answers: NDArray[np.float32], usual: NDArray[np.float32] | None = None
) -> list[float]:
    """For each answer, the share of other sources that it is less like than its own, from 0 to 1.

    `sources` and `answers` have shape (n, width), one row per passage; `usual` (m, width) are texts to take the mean
    and the spread of each coordinate from, both of them by default. 1 says that the answer could be about nothing else,
    0.5 that it might be about anything. Cosines of language models' states are all high and none comparable with
    another model's (K. Ethayarajh, "How Contextual are Contextualized Word Representations?", EMNLP 2019); an order
    needs no threshold. A single passage has nothing to be mistaken for, and gets 1.
    """
    import numpy as np

    pool = np.concatenate([sources, answers]) if usual is None else usual
    mean, spread = pool.mean(axis=0), pool.std(axis=0)

    def turned(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = (rows - mean) / np.where(spread > 0, spread, 1.0)
        unit: NDArray[np.float32] = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
        return unit

    cosines = turned(answers) @ turned(sources).T
    own = np.diag(cosines)
    number = max(1, len(sources) - 1)
    beaten = (cosines < own[:, None]).sum(axis=1)
    return [float(n) / number for n in beaten] if len(sources) > 1 else [1.0] * len(sources)
