"""Which words mean nearly the same, as the base's own token table tells: no text is run through the model.

A language model's input embeddings are word vectors for every word that is one token. Their mean and first directions
tell how common a token is rather than what it means, and are taken out (Mu and Viswanath 2018, All-but-the-Top).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput, Missing
from tonewright.workspace import cache_folder, make_private

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COMMON_DIRECTIONS = 3
_WIDTH = 256
# A token that begins a word: byte-level vocabularies mark the blank before it with Ġ, SentencePiece with ▁.
_WHOLE_WORD = re.compile(r"[Ġ▁]([a-z]{3,})")


class WordVectors:
    """`words` and their vectors: L2-normalised rows, shape (n, at most 256)."""

    def __init__(self, words: list[str], vectors: NDArray[np.float32]) -> None:
        self.words = words
        self.vectors = vectors
        self._row = {word: row for row, word in enumerate(words)}

    def among(self, words: Iterable[str]) -> WordVectors:
        """Only those of `words`."""
        kept = [word for word in words if word in self._row]
        return WordVectors(kept, self.vectors[[self._row[word] for word in kept]])

    def near(self, words: Sequence[str], others: WordVectors, count: int, least: float) -> dict[str, list[str]]:
        """For each of `words` that has a vector, at most `count` of `others` with a cosine of at least `least`.

        The nearest come first; the word itself is not among them.
        """
        import numpy as np

        known = [word for word in words if word in self._row]
        if not known or not others.words:
            return {}
        cosines = others.vectors @ self.vectors[[self._row[word] for word in known]].T
        most = min(count + 1, len(others.words))
        found = {}
        for column, word in enumerate(known):
            rows = np.argpartition(-cosines[:, column], most - 1)[:most]
            near = sorted((-float(cosines[row, column]), others.words[row]) for row in rows)
            found[word] = [other for cosine, other in near if other != word and -cosine >= least][:count]
        return found

    def row_of(self, word: str) -> int | None:
        """The row of `vectors` that is `word`'s; None for a word that is several tokens."""
        return self._row.get(word)


def word_vectors(gguf: Path) -> WordVectors:
    """Those of the base in `gguf`, made once and kept in the cache folder.

    Raises `Missing` without numpy or gguf, and `BadInput` for a file without a token table.
    """
    try:
        import numpy as np
    except ImportError as e:
        raise Missing("numpy is not installed", "pip install 'tonewright[local]'") from e
    stat = gguf.stat()
    folder = cache_folder() / "words"
    name = folder / f"{gguf.stem}-{stat.st_size}-{stat.st_mtime_ns}"
    listed, matrix = name.with_name(name.name + ".txt"), name.with_name(name.name + ".npy")
    if not listed.is_file():  # written last
        words, vectors = _read(gguf)
        make_private(folder)
        _put(matrix, lambda file: np.save(file, vectors))
        _put(listed, lambda file: file.write("\n".join(words).encode()))
    return WordVectors(listed.read_text(encoding="utf-8").split("\n"), np.load(matrix))


def _read(gguf: Path) -> tuple[list[str], NDArray[np.float32]]:
    try:
        import gguf as library
    except ImportError as e:
        raise Missing("gguf is not installed", "pip install 'tonewright[local]'") from e
    import numpy as np

    reader: Any = library.GGUFReader(gguf)
    field = reader.fields.get("tokenizer.ggml.tokens")
    table = next((t for t in reader.tensors if t.name == "token_embd.weight"), None)
    if field is None or table is None:
        raise BadInput(f"{gguf} has no token table", "set model.base to a language model's GGUF")
    tokens = (bytes(field.parts[at]).decode("utf-8", "replace") for at in field.data)
    rows: dict[str, int] = {}
    for row, token in enumerate(tokens):
        if found := _WHOLE_WORD.fullmatch(token):
            rows.setdefault(found[1], row)
    picked = library.dequantize(table.data[list(rows.values())], table.tensor_type).astype(np.float32)
    return list(rows), _without_common(picked)


def _without_common(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centred, turned to the principal directions, without the first few and without the tail, normalised."""
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    kept = directions[:, ::-1][:, _COMMON_DIRECTIONS : _COMMON_DIRECTIONS + _WIDTH]
    turned = centred @ kept
    unit: NDArray[np.float32] = turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    return unit


def _put(file: Path, write: Any) -> None:
    """Write aside, then rename."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with aside.open("wb") as out:
        write(out)
    aside.replace(file)
