"""What a text costs a model, from its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def token_nll(logits: NDArray[np.float32], tokens: Sequence[int]) -> NDArray[np.float64]:
    """-log softmax(logits[i])[tokens[i]] in nats; `logits` has shape (n, vocabulary), the result (n,)."""
    import numpy as np

    peak = logits.max(axis=1)
    norm = peak + np.log(np.exp(logits - peak[:, None]).sum(axis=1, dtype=np.float64))
    cost: NDArray[np.float64] = norm - logits[np.arange(len(tokens)), list(tokens)]
    return cost
