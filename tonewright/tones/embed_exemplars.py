"""Write the exemplars' vectors for the default base beside them: `python -m tonewright.tones.embed_exemplars`."""

from __future__ import annotations

import sys
from pathlib import Path

from tonewright.models.base import SMOLLM2, find_base
from tonewright.models.copies import quick_copy
from tonewright.models.embedder import VERSION, Embedder
from tonewright.tones.exemplars import VECTORS, ended, fingerprint, shipped_exemplars


def main() -> int:
    """Half precision is enough: it moves a vector by a thousandth of what tells two passages apart."""
    import numpy as np

    base = find_base(SMOLLM2)
    with Embedder(quick_copy(base)) as embedder:
        vectors = embedder.embed([ended(example.text) for example in shipped_exemplars()])
    np.savez_compressed(
        Path(__file__).with_name(VECTORS),
        base=base.sha256,
        version=VERSION,
        exemplars=fingerprint(),
        vectors=vectors.astype(np.float16),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
