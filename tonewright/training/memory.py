"""What one run holds in memory, from formulas: weights, adapter, activations, logits. Bytes throughout.

The formulas count what autograd keeps for the backward pass of transformers' Llama and Phi layers with PEFT's adapters
on every linear layer; a test compares them with what it really keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

from tonewright.training.recipe import FOUR_BIT, Recipe
from tonewright.training.shape import Shape

# NF4 with double quantisation: 4 bits a weight, 8 bits a block of 64, and 32 bits for 256 of those blocks
# (Dettmers et al. 2023, QLoRA, section 3).
NF4_BYTES = 4 / 8 + 1 / 64 + 4 / (64 * 256)
# On a CPU, glibc's heap keeps holes between tensors of many sizes: peaks are about twice what is alive (measured: 1.4
# to 2 times; up to 4 with checkpointing, where little is alive; once where every large block gets its own mapping,
# which costs time). PyTorch's allocator on a GPU rounds and splits blocks; the tenth is a guess, not measured here.
HEAP, CACHED = 2.0, 1.1
# Resident besides tensors, as measured: PyTorch, transformers and PEFT with what their first use adds, and `datasets`,
# which Trainer imports where it is installed (120 MB of it); and the compiler that checkpointing imports.
LIBRARIES, COMPILER = 720_000_000, 80_000_000
# On a GPU, outside of PyTorch's own count: the CUDA context and the kernels' code; and CUDA's libraries in RAM.
CONTEXT, CUDA_LIBRARIES = 700_000_000, 2_500_000_000


@dataclass(frozen=True)
class Held:
    """Bytes by what they are for; `activations` and `logits` exist only while a step runs."""

    weights: int
    adapter: int
    activations: int
    logits: int

    @property
    def total(self) -> int:
        """Of all tensors together at the peak of a step."""
        return self.weights + self.adapter + self.activations + self.logits


def held(shape: Shape, recipe: Recipe, element: int, *, cuda: bool) -> Held:
    """The tensors at the peak of a training step; `element` is the size of one number of the frozen base (2 or 4)."""
    tokens = recipe.batch * recipe.sequence_length
    return Held(
        round(weights(shape, recipe, element)),
        round(adapter_parameters(shape, recipe) * (4 + 4 + (2 if cuda else 8))),
        round(activations(shape, recipe, element)),
        tokens * logits_per_token(shape),
    )


def libraries(recipe: Recipe) -> int:
    """What a process that trains by `recipe` on a CPU takes before its first tensor."""
    return LIBRARIES + (COMPILER if recipe.gradient_checkpointing else 0)


def weights(shape: Shape, recipe: Recipe, element: int) -> float:
    """The frozen base, plus one matrix as numbers of the dtype while 4 bits are unpacked for a product."""
    words = shape.words * element
    if recipe.method not in FOUR_BIT:
        return words + shape.linear * element
    return words + shape.linear * NF4_BYTES + max(i * o for i, o in shape.matrices) * element


def adapter_parameters(shape: Shape, recipe: Recipe) -> int:
    """What learns. LoRA has r (in + out) for each matrix (Hu et al. 2021); DoRA adds a magnitude for each output
    (Liu et al. 2024); IA3 has one factor for each key, value and inner channel (Liu et al. 2022).

    Each takes 4 bytes, 4 for its gradient and 8 for AdamW's two moments, or 2 for those in 8 bits.
    """
    if recipe.method == "ia3":
        return shape.layers * (2 * shape.kv_heads * shape.head_size + shape.inner)
    each = sum(recipe.rank * (i + o) + (o if recipe.method == "dora" else 0) for i, o in shape.matrices)
    return shape.layers * each


def activations(shape: Shape, recipe: Recipe, element: int) -> float:
    """What the layers keep for the backward pass. With checkpointing each keeps its input, and one is done again."""
    tokens = recipe.batch * recipe.sequence_length
    layer = tokens * layer_per_token(shape, recipe, element) + _per_layer(shape, recipe, element)
    if recipe.gradient_checkpointing:
        return shape.layers * tokens * shape.width * element + layer
    return shape.layers * layer


def _per_layer(shape: Shape, recipe: Recipe, element: int) -> int:
    """The mask that keeps packed documents apart, (tokens, tokens); and for DoRA an identity matrix and its product
    with A for each matrix, by which PEFT multiplies A and B."""
    mask = (recipe.batch * recipe.sequence_length) ** 2 * element
    return mask + (4 * sum(i * (i + recipe.rank) for i, _ in shape.matrices) if recipe.method == "dora" else 0)


def layer_per_token(shape: Shape, recipe: Recipe, element: int) -> int:
    """Bytes that one layer keeps for each token, written out tensor by tensor.

    LoRA computes in float32. A base in float32 shares each input with it (a normed input serves several matrices); a
    base in 16 bits has it converted for every matrix. IA3 keeps only what its factors multiply.
    """
    d, q, f, kv = shape.width, shape.query, shape.inner, shape.kv_heads * shape.head_size
    norms = 4 * 2 * d  # in float32 whatever the base is
    # Query, keys and values once they are repeated for every head, and the result.
    attention = element * 4 * q
    inner = element * f * (3 if shape.gated else 4)  # gate, its activation and up; or the terms of GELU's tanh
    if recipe.method == "ia3":
        return norms + attention + inner + 4 * f + element * 2 * kv
    inputs = 4 * (2 * d + f if element == 4 else sum(i for i, _ in shape.matrices))
    low = 4 * recipe.rank * len(shape.matrices) * (2 if recipe.method == "dora" else 1)
    outputs = (element + 4) * sum(o for _, o in shape.matrices) if recipe.method == "dora" else 0
    return norms + attention + inner + inputs + low + outputs


def logits_per_token(shape: Shape) -> int:
    """For each answer token: the logarithm of the softmax and two gradients of that size, in float32."""
    return 3 * 4 * shape.vocabulary
