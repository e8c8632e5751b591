"""Choose the next token as a request wishes: temperature, nucleus, seed, and a JSON schema that must be kept."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import Any

from tonewright.errors import BadInput

MOST_SCHEMA = 1 << 16  # characters
MOST_REPEATED = 1000  # a schema's bounds become that many rules of the grammar
_BOUNDS = ("minItems", "maxItems", "minLength", "maxLength")
_DEEPEST = 60


@dataclass(frozen=True)
class Wish:
    """How the next token is chosen. `temperature` 0 is the likeliest token; `schema` is JSON text, "" for none."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    schema: str = ""


class Sampler:
    """llama.cpp's samplers for one answer. Raises `BadInput` for a schema that no grammar can be made of."""

    def __init__(self, llama: Any, context: Any, wish: Wish) -> None:
        import llama_cpp

        self._context, self._width = context, llama.n_vocab()
        self._grammar = _grammar(llama_cpp.llama_model_get_vocab(llama.model), wish.schema) if wish.schema else None
        self._chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        parts = [llama_cpp.llama_sampler_init_greedy()]
        if wish.temperature > 0:
            parts = [llama_cpp.llama_sampler_init_top_p(wish.top_p, 1)] if wish.top_p < 1 else []
            parts += [
                llama_cpp.llama_sampler_init_temp(wish.temperature), llama_cpp.llama_sampler_init_dist(wish.seed),
            ]  # fmt: skip
        for part in parts:
            llama_cpp.llama_sampler_chain_add(self._chain, part)

    def sample(self, row: int) -> int:
        """The token that follows the batch's token `row`, whose logits were kept.

        The grammar looks at the chosen token first, and at the whole vocabulary only when that one will not do:
        most tokens will, and looking at fifty thousand takes as long as a small model takes to think.
        """
        import llama_cpp

        token = int(llama_cpp.llama_sampler_sample(self._chain, self._context, row))
        if self._grammar is None:
            return token
        if not self._allowed(token):
            token = self._sample_allowed(row)
        llama_cpp.llama_sampler_accept(self._grammar, token)
        return token

    def close(self) -> None:
        """Free what C holds."""
        import llama_cpp

        for sampler in filter(None, (self._chain, self._grammar)):
            llama_cpp.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def _allowed(self, token: int) -> bool:
        import llama_cpp

        one = llama_cpp.llama_token_data(id=token, logit=1.0, p=0.0)
        tokens = llama_cpp.llama_token_data_array(data=ctypes.pointer(one), size=1, selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(tokens))
        return bool(one.logit != float("-inf"))

    def _sample_allowed(self, row: int) -> int:
        import llama_cpp
        import numpy as np

        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self._context, row), shape=(self._width,))
        rows = np.zeros(self._width, dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
        rows["id"], rows["logit"] = np.arange(self._width), logits
        data = rows.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        tokens = llama_cpp.llama_token_data_array(data=data, size=self._width, selected=-1, sorted=False)
        for sampler in (self._grammar, self._chain):
            llama_cpp.llama_sampler_apply(sampler, ctypes.byref(tokens))
        return int(tokens.data[tokens.selected].id)


def _grammar(vocabulary: Any, schema: str) -> Any:
    import llama_cpp
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    _check(schema)
    try:
        rules = json_schema_to_gbnf(schema)
    except Exception as e:  # it raises whatever comes to hand
        raise BadInput(f"the schema cannot be made into a grammar ({type(e).__name__}: {e})") from e
    grammar = llama_cpp.llama_sampler_init_grammar(vocabulary, rules.encode(), b"root")
    if not grammar:
        raise BadInput("llama.cpp cannot read the grammar that the schema makes", "leave out patterns and formats")
    return grammar


def _check(schema: str) -> None:
    """Everybody waits while a grammar is made: bounds, so that it never takes long."""
    if len(schema) > MOST_SCHEMA:
        raise BadInput(f"the schema is {len(schema):,} characters long, and {MOST_SCHEMA:,} are the most")
    parts = [(json.loads(schema), 0)]
    while parts:
        part, depth = parts.pop()
        if depth > _DEEPEST:
            raise BadInput(f"the schema is nested more than {_DEEPEST} deep")
        for name, value in part.items() if isinstance(part, dict) else enumerate(part):
            if name in _BOUNDS and isinstance(value, (int, float)) and value > MOST_REPEATED:
                raise BadInput(f"the schema's {name} is {value}, and {MOST_REPEATED} is the most")
            if isinstance(value, (dict, list)):
                parts.append((value, depth + 1))
