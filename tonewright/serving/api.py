"""What each address of the server does: asks the right model in the right words, and remembers what it gave out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tonewright import prompts
from tonewright.corpus.drafts import CONTINUED, REWRITTEN, Draft
from tonewright.errors import BadInput, TonewrightError
from tonewright.prompts import Messages
from tonewright.rewriting import chats
from tonewright.rewriting.choosing import BASE, Chosen
from tonewright.rewriting.rewrite import WARM
from tonewright.serving import forms, wire
from tonewright.serving.child import BROKEN
from tonewright.serving.fleet import Fleet
from tonewright.serving.forms import Form, Json, Usage
from tonewright.serving.wire import ApiError, Asked
from tonewright.workspace import Workspace

VOICE = "voice"
Gone = Callable[[], bool]


class Wanted(NamedTuple):
    """One prompt as the model sees it, the text that it is about, and how long an answer usually may be."""

    prompt: Messages | str
    source: str
    usual: int | None


@dataclass
class Answer:
    """Choices as they grow."""

    texts: list[str]
    ends: list[str]
    usage: Usage = field(default_factory=Usage)


class Api:
    """The addresses below /v1, for any number of threads. All raise `ApiError`."""

    def __init__(self, workspace: Workspace, fleet: Fleet) -> None:
        self._workspace, self._fleet = workspace, fleet
        self._since = int(time.time())
        self.names = (VOICE, *(f"{VOICE}:{tone}" for tone in workspace.vocabulary.names), BASE)

    def models(self) -> Json:
        """GET /v1/models."""
        return forms.models(self.names, self._since)

    def model(self, name: str) -> Json:
        """GET /v1/models/NAME."""
        self._require(name)
        found: Json = forms.models([name], self._since)["data"][0]
        return found

    def embeddings(self, body: dict[str, Any], gone: Gone) -> Json:
        """POST /v1/embeddings: what the base makes of the texts, whichever model is named."""
        name, texts, packed = wire.embedding(body)
        self._require(name)
        found: list[list[float]] = [[] for _ in texts]
        tokens = 0
        requests = [{"text": text} for text in texts]
        with self._fleet.embedder() as runner, closing(runner.ask(requests, gone)) as events:
            for number, event in events:
                _sound(event)
                found[number] = event["vector"]
                tokens += event["prompt"]
        return forms.vectors(name, found, tokens, packed=packed)

    def write(self, asked: Asked, gone: Gone) -> Generator[Json, None, None]:
        """POST /v1/chat/completions and /v1/completions: one record, or the chunks of a stream."""
        self._require(asked.model)
        form = Form(asked.model, chat=not isinstance(asked.prompts[0], str))
        answer = Answer([""] * (asked.n * len(asked.prompts)), [""] * (asked.n * len(asked.prompts)))
        told = self._told(asked, form, answer, gone)
        if asked.stream:
            yield from told
        else:
            for _ in told:
                pass
            yield form.whole(zip(answer.texts, answer.ends), answer.usage)

    def _told(self, asked: Asked, form: Form, answer: Answer, gone: Gone) -> Iterator[Json]:
        """The chunks, while `answer` fills; what was said is remembered before its end is told, or the client goes."""
        try:
            chosen = self._fleet.base() if asked.model == BASE else self._fleet.voice()
        except TonewrightError as e:
            raise ApiError(503, str(e), kind="server_error", code="model_unavailable") from e
        wanted = [self._wanted(asked.model, prompt, chosen) for prompt in asked.prompts]
        begun: set[int] = set()
        kept: set[int] = set()
        try:
            requests = _requests(asked, wanted)
            with self._fleet.writer(chosen) as runner, closing(runner.ask(requests, gone)) as events:
                for index, event in events:
                    _sound(event)
                    if form.chat and index not in begun:
                        begun.add(index)
                        yield form.begun(index)
                    if event["text"]:
                        answer.texts[index] += event["text"]
                        yield form.piece(index, event["text"])
                    if event["end"]:
                        answer.ends[index] = event["end"]
                        _count(answer.usage, event, first=index % asked.n == 0)
                        kept.add(index)
                        self._remember(asked, wanted, answer, [index])
                        yield form.ended(index, event["end"])
        finally:
            self._remember(asked, wanted, answer, [i for i in range(len(answer.texts)) if i not in kept])
        if asked.include_usage:
            yield form.counted(answer.usage)

    def _require(self, name: str) -> None:
        if name not in self.names:
            message = f"there is no model {name!r} here; /v1/models lists those that there are"
            raise ApiError(404, message, param="model", code="model_not_found")

    def _wanted(self, model: str, prompt: Messages | str, chosen: Chosen) -> Wanted:
        if model == BASE:
            return Wanted(prompt, "", None)
        tone = model.partition(":")[2] or None
        if isinstance(prompt, str):
            return Wanted(chosen.asked(prompts.go_on(prompt, tone)), prompt, None)
        try:
            source = chats.source_of(prompt)
        except BadInput as e:
            raise ApiError(400, str(e), param="messages") from e
        return Wanted(chosen.asked(chats.rewriting(prompt, tone)), source, prompts.room_for(source))

    def _remember(self, asked: Asked, wanted: list[Wanted], answer: Answer, indices: list[int]) -> None:
        """These choices as ours, so that they never come back as the author's."""
        if asked.model == BASE:
            return
        tone = asked.model.partition(":")[2] or None
        for index in indices:
            source = wanted[index // asked.n].source
            kind = CONTINUED if isinstance(asked.prompts[0], str) else REWRITTEN
            chats.remember(self._workspace.ledger, Draft(answer.texts[index], source, kind, tone))


def _requests(asked: Asked, wanted: list[Wanted]) -> list[Json]:
    """For the model's process, `n` for each prompt. Where the client leaves it open, the first choice is the likeliest
    answer and the others are warmer, as with `rewrite --best-of`."""
    made = []
    seed = asked.seed
    if seed is None:
        seed = 0 if asked.temperature is None else secrets.randbits(32)
    for want in wanted:
        for i in range(asked.n):
            usual = WARM if i else 0.0
            wish = {
                "temperature": usual if asked.temperature is None else asked.temperature,
                "top_p": asked.top_p,
                "seed": (seed + i) % (1 << 32),
                "schema": asked.schema,
            }
            usual_most = None if asked.schema else want.usual  # JSON that is cut off is none
            most = usual_most if asked.most is None else asked.most
            made.append({"prompt": want.prompt, "most": most, "stop": asked.stop, "wish": wish})
    return made


def _count(usage: Usage, event: Json, *, first: bool) -> None:
    """A prompt with several answers is counted once."""
    usage.answers += event["tokens"]
    if first:
        usage.prompt += event["prompt"]
        usage.cached += event["cached"]


def _sound(event: Json) -> None:
    """Raise what the model's process says is wrong."""
    wrong, code = event.get("wrong"), event.get("code")
    if wrong and code == BROKEN:
        raise ApiError(500, wrong, kind="server_error", code=code)
    if wrong:
        raise ApiError(400, wrong, code=code)
