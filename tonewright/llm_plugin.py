"""The voice as models of the `llm` tool: `tonewright`, and `tonewright:TONE` for each tone of the blog around."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llm
from pydantic import Field

from tonewright import prompts
from tonewright.corpus.drafts import REWRITTEN, Draft
from tonewright.errors import TonewrightError
from tonewright.models import registry
from tonewright.rewriting import chats
from tonewright.rewriting.choosing import choose
from tonewright.workspace import open_workspace

if TYPE_CHECKING:
    from tonewright.models.llama import LocalModel

NAME = "tonewright"


@llm.hookimpl
def register_models(register: Any) -> None:
    """Called by `llm` at every start: reads the blog's settings and nothing else."""
    register(Voice(None))
    try:
        tones = open_workspace().vocabulary.names
    except TonewrightError:  # not in a blog; `execute` says so
        tones = ()
    for tone in tones:
        register(Voice(tone))


class Voice(llm.Model):
    """The promoted voice, or the prompted base before there is one, in this process."""

    can_stream = True

    class Options(llm.Options):
        """What may be set with `-o`."""

        temperature: float | None = Field(ge=0, le=2, description="0, the default: the likeliest answer", default=None)
        max_tokens: int | None = Field(ge=1, description="By default what a rewriting of the text takes", default=None)
        seed: int | None = Field(description="The same seed and temperature give the same answer", default=None)

    def __init__(self, tone: str | None) -> None:
        self.tone = tone
        self.model_id = f"{NAME}:{tone}" if tone else NAME

    def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        """The prompt's text rewritten; what is said is remembered as the model's, also when the reader stops early."""
        said: list[str] = []
        try:
            workspace = open_workspace()
            messages = _messages(prompt, conversation)
            source, options = chats.source_of(messages), prompt.options
            chosen = choose(workspace, registry.CHAMPION)
            model = _loaded(chosen.base.gguf, chosen.adapter)
            most = options.max_tokens or prompts.room_for(source)
            try:
                for piece in model.stream(
                    chosen.asked(chats.rewriting(messages, self.tone)),
                    max_tokens=most, temperature=options.temperature or 0.0, seed=options.seed or 0,
                ):  # fmt: skip
                    said.append(piece)
                    yield piece
            finally:
                chats.remember(workspace.ledger, Draft("".join(said), source, REWRITTEN, self.tone))
        except TonewrightError as e:
            raise llm.ModelError(str(e)) from e


def _messages(prompt: Any, conversation: Any) -> prompts.Messages:
    found = [{"role": "system", "content": prompt.system}] if prompt.system else []
    for before in conversation.responses if conversation else ():
        found.append({"role": "user", "content": before.prompt.prompt})
        found.append({"role": "assistant", "content": before.text_or_raise()})
    return [*found, {"role": "user", "content": prompt.prompt}]


@cache
def _loaded(base: Path, adapter: Path | None) -> LocalModel:
    """Kept for the next turn of a chat; it goes with the process."""
    from tonewright.models.llama import LocalModel

    return LocalModel(base, adapter)
