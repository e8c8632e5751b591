"""One sentence on a post, and its place in the header."""

from __future__ import annotations

import json
import re

import yaml

from tonewright import prompts
from tonewright.errors import BadInput, NothingToDo, Refused, TonewrightError, UsageError
from tonewright.gate.language import sentences
from tonewright.gate.measures import invented, loops
from tonewright.posts import frontmatter
from tonewright.rewriting.markdown import one_line, prose
from tonewright.rewriting.rewrite import Voice
from tonewright.tones.vocabulary import Vocabulary

SUMMARY_TOKENS = 64
SUMMARY_TRIES = (0.0, 0.5, 0.8)  # temperatures

_FENCE = re.compile(r"(?:\ufeff)?[^\n]*\n")
_LAST_LINE = re.compile(r"[^\n]*\n?\Z")


def summarise_text(text: str, path: str, voice: Voice, vocabulary: Vocabulary) -> str:
    """One sentence on the prose of `text`, as the author would put it.

    Raises `NothingToDo` when there is no prose, and `TonewrightError` when no try was usable.
    """
    body = "\n\n".join(piece.text for piece in prose(text, path, vocabulary))
    if not body:
        raise NothingToDo(f"{path} holds no prose to summarise")
    request = prompts.summarise(body)
    why = ""
    for seed, temperature in enumerate(SUMMARY_TRIES):
        answer = "".join(voice.stream(request, max_tokens=SUMMARY_TOKENS, temperature=temperature, seed=seed))
        summary = next(iter(sentences(one_line(answer))), "")
        wrong = ["it goes round in circles"] if loops(summary) else invented(body, summary)
        if summary and not wrong:
            return summary
        why = f"it invented {wrong[0]}" if wrong else "it is empty"
    raise TonewrightError(f"the model has no usable summary of {path} ({why})", "try another --model")


def summary_line(summary: str, form: str) -> str:
    """`summary` as a line of a header, without its end: TOML for the form "toml", else YAML."""
    if form == "toml":
        return f"summary = {json.dumps(summary, ensure_ascii=False)}"  # TOML's basic strings escape like JSON's
    return str(yaml.safe_dump({"summary": summary}, allow_unicode=True, width=float("inf"))).rstrip("\n")


def with_summary(text: str, path: str, summary: str) -> str:
    """`text` with the summary in its header, and every other byte as it was.

    YAML takes it as the last key, TOML as the first, before any table. Raises `UsageError` without a header, `Refused`
    when there is a summary already, and `BadInput` for a header that would not mean the same with one more line.
    """
    front = frontmatter.split(text, path)
    if front.format == "none":
        raise UsageError(f"{path} has no front matter that a summary could stand in", "print it without --in-place")
    if "summary" in front.data:
        raise Refused(f"{path} has a summary already, and it may be yours", "take that line out first")
    header = text[: front.body_start]
    opening = _FENCE.match(header)
    assert opening is not None
    end = "\r\n" if opening[0].endswith("\r\n") else "\n"
    closing = _LAST_LINE.search(header, 0, len(header.rstrip("\r\n")))
    assert closing is not None
    at = opening.end() if front.format == "toml" else closing.start()
    new = f"{text[:at]}{summary_line(summary, front.format)}{end}{text[at:]}"
    if frontmatter.split(new, path).data != {**front.data, "summary": summary}:
        raise BadInput(f"{path}:1: a line in this header would change what it says", "add the summary by hand")
    return new
