"""Tiny models with random weights, each as safetensors and as GGUF: the shapes of real families without their size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tonewright.gguf.adapter import interleave_rotary
from tonewright.training.base_weights import quiet_transformers

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 128, 2, 4, 256, 512
UNTAUGHT = ("phi2", "codellama")  # families whose bases know no chat format, and bring no template for one
SPREAD = 0.12  # of the weights: enough for logits that differ by more than rounding


def make(family: str, tokenizer: Path, tokens_of: Path, folder: Path) -> tuple[Path, Path]:
    """(weights folder, GGUF) of a random model of `family`: llama, codellama, smollm2 or phi2.

    Its words are those of the tokenizer in the folder `tokenizer`, whose GGUF is `tokens_of`.
    """
    import torch

    with quiet_transformers() as transformers:
        transformers.set_seed(3)
        words = transformers.AutoTokenizer.from_pretrained(str(tokenizer))
        model = transformers.AutoModelForCausalLM.from_config(_config(transformers, family, len(words)))
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if "norm" not in name:
                    tensor.normal_(0, SPREAD)
                tensor.copy_(tensor.half().float())  # what a float16 GGUF can hold, so that both sides are the same
        weights = folder / f"{family}-weights"
        model.save_pretrained(weights)
        words.save_pretrained(weights)
    out = folder / f"{family}.gguf"
    _write(model, family, tokens_of, out)
    return weights, out


def _config(transformers: Any, family: str, words: int) -> Any:
    shape = {
        "vocab_size": words,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": family == "smollm2",  # one matrix for embedding and output
    }
    if family == "phi2":
        return transformers.PhiConfig(**shape, partial_rotary_factor=0.5, layer_norm_eps=1e-5)
    # The rotary base goes with the context; grouped heads are what TinyLlama has and the others have not.
    own = {"codellama": {"rope_theta": 1e6}, "smollm2": {"rope_theta": 1.3e5}}.get(
        family, {"num_key_value_heads": HEADS // 2}
    )
    return transformers.LlamaConfig(**shape, **own, rms_norm_eps=1e-5)


def _write(model: Any, family: str, tokens_of: Path, out: Path) -> None:
    """The model as a float16 GGUF, vectors in float32, with the tokenizer's fields of another GGUF."""
    arch = "phi2" if family == "phi2" else "llama"
    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[arch], LAYERS)
    config = model.config
    kv_heads = config.num_key_value_heads
    writer = gguf.GGUFWriter(out, arch)
    writer.add_name(family)
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(kv_heads)
    writer.add_file_type(1)
    writer.add_vocab_size(config.vocab_size)
    if arch == "phi2":
        writer.add_layer_norm_eps(config.layer_norm_eps)
        writer.add_rope_dimension_count(WIDTH // HEADS // 2)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_dimension_count(WIDTH // HEADS)
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    for name, field in gguf.GGUFReader(tokens_of).fields.items():
        if name.startswith("tokenizer.") and not (family in UNTAUGHT and "chat_template" in name):
            sub = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], sub)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        data = tensor.numpy()
        if arch == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            data = interleave_rotary(data, HEADS if "q_proj" in name else kv_heads)
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert found, name
        writer.add_tensor(found, data.astype(np.float32 if data.ndim == 1 else np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
