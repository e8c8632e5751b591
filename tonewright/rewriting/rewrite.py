"""Rewrite and summarise in the author's voice; where the model is not to be trusted, text stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tonewright import prompts
from tonewright.config.schema import Tones
from tonewright.errors import NothingToDo, TonewrightError
from tonewright.gate.language import sentences
from tonewright.gate.measures import faults, invented, loops
from tonewright.prompts import Messages
from tonewright.rewriting.markdown import Prose, one_paragraph, prose
from tonewright.tones.vocabulary import Vocabulary

SUMMARY_TOKENS = 64
SUMMARY_TRIES = (0.0, 0.5, 0.8)  # temperatures

OnPiece = Callable[[int], None]
_USUAL = Vocabulary(Tones().names)


class Voice(Protocol):
    """Something that writes; `LocalModel` is one."""

    def generate(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> str:
        """The answer to `messages`; at temperature 0 always the same."""
        ...


@dataclass(frozen=True)
class Span:
    """What became of the characters `[start:end)` of the original.

    `kept`: the rewriting stands in the new text. Otherwise `after` equals `before`, and `why` says what was
    wrong.
    """

    start: int
    end: int
    before: str
    after: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Rewritten:
    """The new text, and every span of prose that was looked at; all else is the original to the byte."""

    text: str
    spans: list[Span]


def rewrite_text(
    text: str,
    path: str,
    voice: Voice,
    tone: str | None = None,
    on_piece: OnPiece | None = None,
    *,
    vocabulary: Vocabulary = _USUAL,
) -> Rewritten:
    """Put each paragraph of `text` into the author's words.

    `tone` None means the tone that is marked on a paragraph, if any. `on_piece` hears the number of each
    paragraph, from 1, before it is sent to the model. Raises `BadInput` for a text that cannot be read.
    """
    pieces, spans, at = [], [], 0
    for number, piece in enumerate(prose(text, path, vocabulary), 1):
        if on_piece:
            on_piece(number)
        before = text[piece.start : piece.end]
        answer, why = ("", piece.locked) if piece.locked else _answer(piece, voice, tone, vocabulary)
        after = before if why or answer == piece.text else answer  # unchanged words keep their line breaks
        spans.append(Span(piece.start, piece.end, before, after, not why, why))
        pieces += [text[at : piece.start], after]
        at = piece.end
    return Rewritten("".join(pieces) + text[at:], spans)


def summarise_text(text: str, path: str, voice: Voice, *, vocabulary: Vocabulary = _USUAL) -> str:
    """One sentence on the prose of `text`, as the author would put it.

    Raises `NothingToDo` when there is no prose, and `TonewrightError` when no try was usable.
    """
    body = "\n\n".join(piece.text for piece in prose(text, path, vocabulary))
    if not body:
        raise NothingToDo(f"{path} holds no prose to summarise")
    request = prompts.summarise(body)
    why = ""
    for seed, temperature in enumerate(SUMMARY_TRIES):
        answer = voice.generate(request, max_tokens=SUMMARY_TOKENS, temperature=temperature, seed=seed)
        summary = next(iter(sentences(" ".join(answer.split()))), "")
        wrong = ["it goes round in circles"] if loops(summary) else invented(body, summary)
        if summary and not wrong:
            return summary
        why = f"it invented {wrong[0]}" if wrong else "it is empty"
    raise TonewrightError(f"the model has no usable summary of {path} ({why})", "try another --model")


def _answer(piece: Prose, voice: Voice, tone: str | None, vocabulary: Vocabulary) -> tuple[str, str]:
    """(the model's words on one line, why they cannot be used or "")."""
    marked = piece.tones[0] if piece.tones else None
    request = prompts.rewrite(piece.text, tone or marked)
    answer = " ".join(voice.generate(request, max_tokens=prompts.room_for(piece.text)).split())
    wrong = faults(piece.text, answer)
    if not wrong and not one_paragraph(answer, vocabulary):
        wrong = ["it is no paragraph any more"]
    return answer, "; ".join(wrong)
