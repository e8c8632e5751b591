"""Embeddings kept in a file that may be deleted at any time, so that a text meets the model once."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tonewright.tones.tagger import TextEmbedder


class RememberingEmbedder:
    """An embedder that asks `embedder` only for texts that `file` does not hold yet.

    `model` names the weights (the GGUF's SHA-256): vectors of another model are never mixed in. Several
    processes may use one file; at worst two of them compute the same row.
    """

    def __init__(self, embedder: TextEmbedder, file: Path, model: str) -> None:
        self._embedder, self._file, self._model = embedder, file, model

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        """One row of length 1 per text, shape (n, width)."""
        import numpy as np

        if not texts:
            return self._embedder.embed(texts)
        keys = [hashlib.sha256(f"{self._model}\n{text}".encode()).digest() for text in texts]
        with closing(sqlite3.connect(self._file, timeout=30)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID")
            known = dict(_look_up(db, keys))
            missing = {key: text for key, text in zip(keys, texts) if key not in known}
            if missing:
                rows = np.asarray(self._embedder.embed(list(missing.values())), dtype="<f4")
                known.update((key, row.tobytes()) for key, row in zip(missing, rows))
                with db:
                    db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", [(k, known[k]) for k in missing])
        return np.stack([np.frombuffer(known[key], dtype="<f4") for key in keys]).astype(np.float32)


def _look_up(db: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    found = []
    for key in dict.fromkeys(keys):
        row = db.execute("SELECT row FROM vectors WHERE key = ?", (key,)).fetchone()
        if row:
            found.append((key, bytes(row[0])))
    return found
