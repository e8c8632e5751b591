"""Make a float16 GGUF smaller, with llama.cpp's own quantiser."""

from __future__ import annotations

import os
from pathlib import Path

from tonewright.errors import BadInput, UsageError
from tonewright.models.engine import library

F16 = "f16"
# llama.cpp's numbers for file types (LLAMA_FTYPE_MOSTLY_*), from the finest to the smallest.
FORMS = {F16: 1, "q8_0": 7, "q6_k": 18, "q5_k_m": 17, "q4_k_m": 15, "q3_k_m": 12}


def known(form: str) -> str:
    """`form` as it is called here. Raises `UsageError` for one that is not offered."""
    name = form.lower()
    if name not in FORMS:
        raise UsageError(f"there is no quantisation {form!r} here", f"known: {', '.join(FORMS)}")
    return name


def quantise(source: Path, out: Path, form: str, *, again: bool = False) -> None:
    """Write the float16 GGUF `source` as `out` in one of `FORMS`, whole or not at all.

    `again` allows a source that is quantised already. Raises `BadInput` when llama.cpp cannot do it.
    """
    llama_cpp = library()
    aside = out.with_name(f".{out.name}.{os.getpid()}")
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = FORMS[form], os.cpu_count() or 1
    parameters.allow_requantize = again
    try:
        status = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(aside), parameters)
        if status != 0:
            raise BadInput(f"llama.cpp could not write {source} as {form} (status {status})", "try another form")
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
