"""Turn messages into prompt text, the same way for the trainer and for llama.cpp, so that token ids agree."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from tonewright.errors import BadInput, Missing
from tonewright.models.gguf_header import read_header

Message = Mapping[str, str]

# For bases that were never taught a chat format: headings that any text model has seen.
PLAIN_TEMPLATE = """\
{% for message in messages %}
{{ '### ' + message['role'] | capitalize + '\\n' + message['content'] | trim }}
{%- if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}
{{ '\\n\\n' }}
{%- endfor %}
{% if add_generation_prompt %}{{ '### Assistant\\n' }}{% endif %}"""


def render(
    template: str | None, messages: Sequence[Message], *, bos: str, eos: str, add_generation_prompt: bool
) -> str:
    """`messages` as the text that `template` (the base's own Jinja chat template) makes of them.

    The environment is that of transformers' `apply_chat_template`: sandboxed, immutable, blocks trimmed,
    `raise_exception` at hand. There is no clock: a prompt must not depend on the day it is rendered.
    Raises `BadInput` when the template refuses the messages.
    """
    from jinja2.exceptions import TemplateError

    try:
        text = _compiled(template or PLAIN_TEMPLATE).render(
            messages=list(messages), bos_token=bos, eos_token=eos, add_generation_prompt=add_generation_prompt
        )
    except TemplateError as e:
        raise BadInput(f"the base's chat template refuses these messages: {e}") from e
    return str(text)


@cache
def _compiled(template: str) -> Any:
    try:
        from jinja2.exceptions import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as e:
        raise Missing("jinja2 is not installed", "pip install 'tonewright[local]'") from e

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    def tojson(value: Any, indent: int | None = None) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)  # Jinja's own would escape HTML

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(template)


@dataclass(frozen=True)
class ChatFormat:
    """How one base wants to be talked to. Its texts hold every special token that the model is to see.

    Both sides tokenise them with special tokens parsed and none added, so there is never a second BOS.
    """

    template: str | None
    bos: str
    eos: str
    add_bos: bool

    @classmethod
    def of(cls, gguf: Path) -> ChatFormat:
        """Read the format from the metadata of the base at `gguf`."""
        meta = read_header(gguf)
        tokens = meta.get("tokenizer.ggml.tokens", [])

        def text(key: str) -> str:
            index = meta.get(f"tokenizer.ggml.{key}_token_id")
            return tokens[index] if index is not None and index < len(tokens) else ""

        # llama.cpp's own default: SentencePiece vocabularies ("llama") begin with BOS, byte-level ones do
        # not.
        default = meta.get("tokenizer.ggml.model") == "llama"
        add_bos = bool(meta.get("tokenizer.ggml.add_bos_token", default))
        return cls(meta.get("tokenizer.chat_template"), text("bos"), text("eos"), add_bos)

    def prompt(self, messages: Sequence[Message]) -> str:
        """The text after which the assistant's answer begins."""
        return self._render(messages, add_generation_prompt=True)

    def conversation(self, messages: Sequence[Message]) -> str:
        """The whole text, up to and including the end token of the last assistant message.

        White space that a template puts after that token is cut: generation stops before it.
        """
        text = self._render(messages, add_generation_prompt=False).rstrip()
        return text + self.eos if text.endswith(messages[-1]["content"].rstrip()) else text

    def _render(self, messages: Sequence[Message], *, add_generation_prompt: bool) -> str:
        text = render(self.template, messages, bos=self.bos, eos=self.eos, add_generation_prompt=add_generation_prompt)
        return self.bos + text if self.add_bos and not text.startswith(self.bos) else text


def answer_start(prompt: Sequence[int], whole: Sequence[int]) -> int:
    """The position in `whole` where the answer begins: the end of the common prefix with the prompt's ids.

    Comparing ids instead of counting the prompt's lets a token that spans the boundary belong to the answer.
    """
    for i, (a, b) in enumerate(zip(prompt, whole)):
        if a != b:
            return i
    return min(len(prompt), len(whole))
