"""The passages that every tagger starts from: fourteen everyday subjects, each told once in each of six tones."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from tonewright.tones.vocabulary import Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELS_TO_LEARN = 5  # a tone without exemplars is learned from this many labels on
LABELS_PER_TONE = 1500  # the newest; beyond that the head grows slower and no better
VECTORS = "exemplars.npz"  # made by `python -m tonewright.tones.embed_exemplars`


class Example(NamedTuple):
    """A passage with its tone, and whether the author gave it."""

    text: str
    tone: str
    own: bool


def shipped_exemplars() -> list[Example]:
    """All of them, subject by subject, the six tones in the same order each time."""
    rows = [json.loads(line) for line in _bytes("exemplars.jsonl").decode("utf-8").splitlines()]
    return [Example(row["text"], row["tone"], False) for row in rows]


def fingerprint() -> str:
    """Eight letters that change with the exemplars."""
    return hashlib.sha256(_bytes("exemplars.jsonl")).hexdigest()[:8]


@cache
def shipped_vectors(base: str, version: str) -> dict[str, NDArray[np.float32]]:
    """{text as it is embedded: vector} of the exemplars, when they were made by the model with this SHA-256.

    Empty for any other model, and for another `version` of the embedder.
    """
    import numpy as np

    with np.load(io.BytesIO(_bytes(VECTORS))) as kept:
        if (str(kept["base"]), str(kept["version"]), str(kept["exemplars"])) != (base, version, fingerprint()):
            return {}
        rows = kept["vectors"].astype(np.float32)
    return {ended(example.text): row for example, row in zip(shipped_exemplars(), rows)}


def choose_examples(
    shipped: Sequence[Example], labels: Sequence[tuple[str, str]], vocabulary: Vocabulary
) -> list[Example]:
    """What to learn from: exemplars of known tones, then the newest labels of each learnable tone."""
    examples = [e for e in shipped if e.tone in vocabulary.names]
    known = {e.tone for e in examples}
    own = [Example(text, tone, True) for text, tone in dict.fromkeys(labels) if tone in vocabulary.names]
    counts = Counter(e.tone for e in own)
    skip = {tone: max(0, n - LABELS_PER_TONE) for tone, n in counts.items()}
    for example in own:
        if skip[example.tone] > 0:
            skip[example.tone] -= 1
        elif example.tone in known or counts[example.tone] >= LABELS_TO_LEARN:
            examples.append(example)
    return examples


def ended(text: str) -> str:
    """`text` with a full stop where it ends in none, and without closing quotes, brackets and emphasis after it.

    Half of the vector is that of the last token, so that sign must not be what tells two passages apart.
    """
    bare = text.rstrip().rstrip("\"'”’»)]*_ ")
    return bare if bare.endswith((".", "!", "?", "…")) else bare.rstrip(",;:-–—") + "."


def _bytes(name: str) -> bytes:
    return (resources.files("tonewright.tones") / name).read_bytes()
