"""Vectors of texts, kept on disk: the same model embeds no text twice, whichever process asks."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.workspace import make_private

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tonewright.tones.tagger import TextEmbedder


class KeptEmbedder:
    """An embedder with a memory. A memory that cannot be read or written costs time, never an answer."""

    def __init__(
        self, embedder: TextEmbedder, file: Path, shipped: Mapping[str, NDArray[np.float32]] | None = None
    ) -> None:
        """`file` belongs to one model: its vectors are no other model's. `shipped` are {text: vector} of the same."""
        self.model = embedder
        self._shipped = shipped or {}
        make_private(file.parent)
        self._db = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.Error):
            file.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text as the embedder makes them, shape (n, width)."""
        import numpy as np

        names = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
        known = {name: np.frombuffer(vector, dtype=np.float32) for name, vector in self._read(list(names.values()))}
        known |= {names[text]: self._shipped[text] for text in names if text in self._shipped}
        missing = [text for text, name in names.items() if name not in known]
        if missing:
            fresh = dict(zip((names[text] for text in missing), self.model.embed(missing)))
            self._write([(name, vector.tobytes()) for name, vector in fresh.items()])
            known |= fresh
        return np.stack([known[names[text]] for text in texts])

    def close(self) -> None:
        """Close the memory; the model belongs to whoever made it."""
        self._db.close()

    def _read(self, names: list[str]) -> list[tuple[str, bytes]]:
        with suppress(sqlite3.Error):
            return self._db.execute(
                "SELECT text, vector FROM vectors WHERE text IN (SELECT value FROM json_each(?))", (json.dumps(names),)
            ).fetchall()
        return []

    def _write(self, rows: list[tuple[str, bytes]]) -> None:
        with suppress(sqlite3.Error):
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
