"""The widths and counts of a base that decide what training on it costs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.errors import BadInput
from tonewright.models.gguf_header import read_header, tensor_names

# Bytes of weights in float32 up to which a base is kept and compared like that; above, float16 has to do.
DENSE_LIMIT = 4 << 30


@dataclass(frozen=True)
class Shape:
    """One decoder-only transformer. `width` is that of the residual stream, `inner` that of the feed-forward layer.

    `gated` feed-forward layers have three matrices (Llama), others two (Phi-2). `tied` models have one matrix for
    embedding and output.
    """

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    gated: bool
    tied: bool

    @property
    def query(self) -> int:
        """Width of all query heads together."""
        return self.heads * self.head_size

    @property
    def matrices(self) -> tuple[tuple[int, int], ...]:
        """(in, out) of every linear layer in one transformer layer."""
        kv = self.kv_heads * self.head_size
        attention = ((self.width, self.query), (self.width, kv), (self.width, kv), (self.query, self.width))
        up = ((self.width, self.inner),) * (2 if self.gated else 1)
        return (*attention, *up, (self.inner, self.width))

    @property
    def linear(self) -> int:
        """Parameters in the linear layers: what 4 bits make smaller, and what adapters change."""
        return self.layers * sum(i * o for i, o in self.matrices)

    @property
    def words(self) -> int:
        """Parameters in the embedding and the output matrix, which stay in the dtype of the recipe."""
        return self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All of them; norms and biases, a thousandth of the whole, are not counted."""
        return self.linear + self.words

    @property
    def dense_bytes(self) -> int:
        """Of all weights in float32."""
        return 4 * self.parameters


def shape_of(gguf: Path) -> Shape:
    """The shape of the GGUF at `gguf`, from its metadata. Raises `BadInput` when that does not tell it."""
    header = read_header(gguf)
    family = str(header.get("general.architecture"))

    def told(key: str) -> Any:
        return header.get(f"{family}.{key}")

    try:
        heads, width = told("attention.head_count"), told("embedding_length")
        return Shape(
            layers=told("block_count"),
            width=width,
            inner=told("feed_forward_length"),
            heads=heads,
            kv_heads=told("attention.head_count_kv") or heads,
            head_size=told("attention.key_length") or width // heads,
            vocabulary=len(header["tokenizer.ggml.tokens"]),
            gated=family != "phi2",
            tied="output.weight" not in tensor_names(gguf),
        )
    except (KeyError, TypeError) as e:
        raise BadInput(f"{gguf} does not tell its shape ({e!r})", "convert the base to GGUF again") from e
