"""Rewrite a text in the author's voice; where the model is not to be trusted, it stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tonewright import prompts
from tonewright.config.schema import Tones
from tonewright.gate.measures import faults
from tonewright.prompts import Messages
from tonewright.rewriting.grounding import Context, Ground, grounded
from tonewright.rewriting.markdown import Prose, link_labels, one_line, prose, put_back
from tonewright.rewriting.ranking import Author, Candidate, best
from tonewright.tones.vocabulary import Vocabulary

WARM = 0.7  # temperature of every candidate but the first, which is the likeliest answer

OnPiece = Callable[[int, Prose], None]
OnToken = Callable[[str], None]
_USUAL = Vocabulary(Tones().names)


class Cost(Protocol):
    """`nll`: summed negative log-likelihood in nats."""

    @property
    def nll(self) -> float:
        """In nats, not negative."""
        ...


class Voice(Protocol):
    """Something that writes; `LocalModel` is one."""

    def stream(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> Iterator[str]:
        """The answer to `messages`, piece by piece; at temperature 0 always the same."""
        ...

    def score(self, messages: Messages, target: str) -> Cost:
        """What `target` costs as the answer to `messages`."""
        ...


@dataclass(frozen=True)
class Span:
    """What became of the characters `[start:end)` of the original.

    `kept`: the rewriting stands in the new text. Otherwise `after` equals `before`, and `why` says what was
    wrong. `context` are the earlier passages that the model was shown.
    """

    start: int
    end: int
    before: str
    after: str
    kept: bool
    why: str
    context: tuple[Ground, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How a text is to be rewritten: `tone` in words (None: the one marked on a paragraph), the best of how many.

    `context` finds what the author has said before of what a paragraph is about.
    """

    tone: str | None = None
    best_of: int = 1
    author: Author = field(default_factory=Author)
    vocabulary: Vocabulary = _USUAL
    context: Context | None = None


def rewritten(
    text: str,
    path: str,
    voice: Voice,
    manner: Manner,
    on_piece: OnPiece | None = None,
    on_token: OnToken | None = None,
) -> Iterator[Span]:
    """Each paragraph of `text` in the author's words, in order, as soon as it is done.

    `on_piece` hears of each paragraph, counted from 1, before it is sent to the model, and `on_token` every piece of
    the answer when there is only one candidate. Raises `BadInput` for a text that cannot be read.
    """
    labels = link_labels(text)
    for number, piece in enumerate(prose(text, path, manner.vocabulary), 1):
        if on_piece:
            on_piece(number, piece)
        before = text[piece.start : piece.end]
        grounds = tuple(manner.context(piece.text)) if manner.context and not piece.locked else ()
        after, why = before, piece.locked
        if not why:
            after, why = _answer(before, piece, grounds, voice, manner, labels, on_token)
        yield Span(piece.start, piece.end, before, before if why else after, not why, why, grounds)


def splice(text: str, spans: Iterable[Span]) -> str:
    """`text` with what became of `spans`, which are in order; all else is the original to the byte."""
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], span.after]
        at = span.end
    return "".join(pieces) + text[at:]


def _answer(
    before: str,
    piece: Prose,
    grounds: Sequence[Ground],
    voice: Voice,
    manner: Manner,
    labels: frozenset[str],
    on_token: OnToken | None,
) -> tuple[str, str]:
    """(what takes the place of `before`, why nothing does or "")."""
    request = grounded(prompts.rewrite(piece.text, manner.tone or (piece.tones[0] if piece.tones else None)), grounds)
    shown = Author(tuple(ground.text for ground in grounds), manner.author.max_overlap)
    usable: list[Candidate] = []
    wrong: list[str] = []
    for seed in range(manner.best_of):
        pieces = voice.stream(
            request, max_tokens=prompts.room_for(piece.text), temperature=WARM if seed else 0.0, seed=seed
        )
        heard: list[str] = []
        for said in pieces:
            heard.append(said)
            if on_token and manner.best_of == 1:
                on_token(said)
        answer = one_line("".join(heard))
        if answer == one_line(piece.text):
            usable.append(Candidate(answer, before))  # unchanged words keep their line breaks
            continue
        why = _objections(piece.text, answer, manner.author, shown)
        text, broken = ("", "") if why else put_back(before, answer, labels, manner.vocabulary)
        if why or broken:
            wrong.append("; ".join(why) or broken)
        else:
            usable.append(Candidate(answer, text))
    if not usable:
        return "", wrong[0]
    return best(usable, piece.text, manner.author, lambda answer: voice.score(request, answer).nll).text, ""


def _objections(source: str, answer: str, author: Author, shown: Author) -> Sequence[str]:
    found = faults(source, answer)
    if copied := shown.recited(answer, source):
        return [*found, f"it copies an earlier passage: “{copied}”"]
    recited = author.recited(answer, source)
    return [*found, f"it recites you: “{recited}”"] if recited else found
