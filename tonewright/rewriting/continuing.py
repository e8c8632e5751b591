"""The paragraph that may follow a text: a draft, since what it says is made up."""

from __future__ import annotations

import re

from tonewright import prompts
from tonewright.errors import NothingToDo, TonewrightError
from tonewright.gate.language import sentences, words
from tonewright.gate.measures import loops
from tonewright.rewriting.markdown import is_paragraph, one_line, prose
from tonewright.rewriting.ranking import Candidate, best
from tonewright.rewriting.rewrite import WARM, Manner, Voice

TOKENS = 160
_ENDED = re.compile(r"[.!?…][\"'”’»)\]*_]*$")


def go_on(text: str, path: str, voice: Voice, manner: Manner) -> tuple[str, str]:
    """(the author's last paragraph in `text`, the paragraph that a model would write after it).

    Only whole sentences are taken. Raises `NothingToDo` without prose to go on from, and `TonewrightError` when no try
    was usable.
    """
    pieces = list(prose(text, path, manner.vocabulary))
    if not pieces:
        raise NothingToDo(f"{path} holds no prose to go on from")
    last = pieces[-1]
    request = prompts.go_on(last.text, manner.tone or (last.tones[0] if last.tones else None))
    usable, why = [], ""
    for seed in range(manner.best_of + 1):  # one more, since nothing is there to fall back on
        answer = one_line(
            "".join(voice.stream(request, max_tokens=TOKENS, temperature=WARM if seed else 0.0, seed=seed))
        )
        whole = [s for s in sentences(answer) if _ENDED.search(s)]
        answer = " ".join(whole)
        why = _objection(answer, last.text, manner)
        if not why:
            usable.append(Candidate(answer, answer))
        if len(usable) == manner.best_of:
            break
    if not usable:
        raise TonewrightError(f"the model did not go on from {path} ({why})", "try another --model or --tone")
    return last.text, best(usable, last.text, manner.author, lambda a: voice.score(request, a).nll).text


def after(text: str, paragraph: str) -> str:
    """`text` with `paragraph` at its end, a blank line between them, and every byte of it kept."""
    end = "\r\n" if "\r\n" in text else "\n"
    ending = text[len(text.rstrip("\r\n")) :].count("\n")
    return f"{text}{end * max(0, 2 - ending)}{paragraph}{end}"


def _objection(answer: str, source: str, manner: Manner) -> str:
    if not words(answer):
        return "it ended no sentence"
    if loops(answer):
        return "it goes round in circles"
    if not is_paragraph(answer, manner.vocabulary):
        return "it is no paragraph"
    recited = manner.author.recited(answer, source)
    return f"it recites you: “{recited}”" if recited else ""
