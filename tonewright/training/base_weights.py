"""The base as PyTorch weights: converted from its GGUF once, loaded in 4 bits or as it is."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tonewright.errors import BadInput, Missing
from tonewright.models.gguf_header import read_header
from tonewright.threads import calm_threads
from tonewright.training.recipe import Recipe
from tonewright.training.shape import DENSE_LIMIT, shape_of


@contextmanager
def quiet_transformers() -> Iterator[Any]:
    """transformers without network, progress bars, notices, and the warnings that we know to be harmless.

    Raises `Missing` when the training extra is not installed.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is first imported
    calm_threads()
    os.environ["TQDM_DISABLE"] = "1"  # the GGUF reader draws its own bar
    # On a CPU it says that it cannot fetch a faster kernel from the hub; the built-in one is right.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # peft 0.21 still asks transformers for the old name.
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        try:
            import transformers
        except ImportError as e:
            raise Missing("the training libraries are not installed", "pip install 'tonewright[train]'") from e
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        yield transformers


def convert(gguf: Path, sha256: str, cache: Path) -> Path:
    """The folder with the base at `gguf` as safetensors and tokenizer, made on first use.

    `sha256` names the copy inside `cache`. It is written aside and renamed: a folder that exists is whole, and
    several processes may make it at once.
    """
    done = cache / f"{gguf.stem}-{sha256[:16]}"
    if done.is_dir():
        return done
    aside = cache / f".{done.name}.{os.getpid()}"
    with quiet_transformers() as transformers:
        import torch

        # Half the disk for a large one, and finer than bfloat16.
        dtype = torch.float32 if shape_of(gguf).dense_bytes <= DENSE_LIMIT else torch.float16
        where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
            _split_digits(tokenizer, gguf)
            model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=dtype)
        except (ValueError, NotImplementedError) as e:
            raise BadInput(
                f"transformers cannot read {gguf} ({e})",
                "set model.weights to the folder with the base's original safetensors",
            ) from e
        # transformers calls a fully dequantised model "quantized with gguf" and refuses to save it.
        model.hf_quantizer = None
        del model.config.quantization_config
        aside.mkdir(parents=True)
        try:
            model.save_pretrained(aside)
            tokenizer.save_pretrained(aside)
            aside.rename(done)
        except OSError:
            if not done.is_dir():  # another process was as quick
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return done


def _split_digits(tokenizer: Any, gguf: Path) -> None:
    """Give SmolLM's tokenizer the step that transformers loses when it reads it from a GGUF.

    It splits off every digit before anything else, which also changes how the white space before a number is
    split. Other tokenizers may lose other things: the parity check compares token ids for that reason.
    """
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    if read_header(gguf).get("tokenizer.ggml.pre") == "smollm":
        steps = [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
        tokenizer.backend_tokenizer.pre_tokenizer = Sequence(steps)


def read_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`, as transformers has it."""
    with quiet_transformers() as transformers:
        return transformers.AutoTokenizer.from_pretrained(str(folder))


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in `folder`, as a function from text to ids that parses special tokens and adds none."""
    tokenizer = read_tokenizer(folder)

    def tokenize(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    return tokenize


def load_model(folder: Path, recipe: Recipe, device: str) -> Any:
    """The frozen base in `folder`, as `recipe` wants it, on `device` ("cpu" or "cuda")."""
    with quiet_transformers() as transformers:
        dtype = pick_dtype(recipe.dtype, device)
        # Weights from elsewhere are data: no pickles, and no code that a model brings along.
        options: dict[str, Any] = {"dtype": dtype, "device_map": {"": device}, "use_safetensors": True}
        if recipe.method == "qlora":
            options["quantization_config"] = transformers.BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=dtype,
            )
        model = transformers.AutoModelForCausalLM.from_pretrained(str(folder), **options)
    model.config.use_cache = False
    keep_trainable(model)
    return model


def keep_trainable(model: Any) -> None:
    """Stop bitsandbytes from repacking 4-bit weights on the CPU.

    With AVX512-BF16 the first forward pass in eval mode repacks every Linear4bit in place for a kernel
    without a backward pass; training after that runs on, with gradients that are wrong and only a warning
    to say so.
    """
    import bitsandbytes

    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.support_avx512bf16_for_cpu = False


def pick_device() -> str:
    """ "cuda" if there is a GPU that torch can use, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def pick_dtype(wanted: str, device: str) -> Any:
    """The torch dtype for `wanted`; "auto" is bfloat16 where the hardware multiplies it, else float32."""
    import torch

    if wanted != "auto":
        return getattr(torch, wanted)
    if device == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = bool(torch.cpu._is_avx512_bf16_supported())
    return torch.bfloat16 if fast else torch.float32
