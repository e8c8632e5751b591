"""A GGUF of a few megabytes with random weights and the small base's words: it says nothing, and says it at once."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from tonewright.models.base import BaseModel, find_base

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 2, 128, 2048


def tiny_base(out: Path) -> BaseModel:
    """Write it in float16 to `out`; llama.cpp and whatever reads a base takes it for one."""
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(1)
    words = 0
    for name, field in gguf.GGUFReader(find_base("smollm2-135m").gguf).fields.items():
        if name.startswith("tokenizer."):
            sub = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], sub)
        if name == "tokenizer.ggml.tokens":
            words = len(field.data)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(0, 0.12, shape).astype(np.float16))

    def add_ones(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, dtype=np.float32))

    add("token_embd", words, WIDTH)
    add_ones("output_norm")
    for layer in (f"blk.{n}" for n in range(LAYERS)):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{layer}.{name}", WIDTH, WIDTH)
        add(f"{layer}.ffn_gate", INNER, WIDTH)
        add(f"{layer}.ffn_up", INNER, WIDTH)
        add(f"{layer}.ffn_down", WIDTH, INNER)
        add_ones(f"{layer}.attn_norm")
        add_ones(f"{layer}.ffn_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return find_base(str(out))
