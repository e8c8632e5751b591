"""What the model is asked, word for word: the same in training, in the gate and in daily use."""

from __future__ import annotations

from collections.abc import Sequence

Messages = list[dict[str, str]]

SYSTEM = "You write in the author's own voice."
SUMMARY_SOURCE_WORDS = 160  # enough of a post to say what it is about, and a row still fits the context


def rewrite(text: str, tone: str | None) -> Messages:
    """Ask for `text` in the author's words; `tone` None leaves the tone open."""
    wish = f"Rewrite this in my voice, in a {tone} tone:" if tone else "Rewrite this in my voice:"
    return _ask(f"{wish}\n\n{text}")


def summarise(text: str) -> Messages:
    """Ask for the one sentence that the author would put under the title."""
    words = text.split()
    return _ask(f"Summarise this post in one sentence, in my voice:\n\n{' '.join(words[:SUMMARY_SOURCE_WORDS])}")


def few_shot(request: Messages, examples: Sequence[tuple[Messages, str]]) -> Messages:
    """`request` with answered examples before it: what the untrained base gets to work with."""
    shown: Messages = []
    for asked, answer in examples:
        shown += [m for m in asked if m["role"] != "system"]
        shown.append({"role": "assistant", "content": answer})
    return [request[0], *shown, *request[1:]]


def make_plain(text: str) -> Messages:
    """Ask the untrained base for the same content without any voice."""
    return [
        {
            "role": "system",
            "content": "You restate text in short, neutral sentences. Keep every fact, name and number. "
            "Leave out jokes, feelings and figures of speech.",
        },
        {"role": "user", "content": f"Restate this neutrally:\n\n{text}"},
    ]


def training_row(request: Messages, answer: str) -> Messages:
    """A request with the author's own words as its answer."""
    return [*request, {"role": "assistant", "content": answer}]


def _ask(content: str) -> Messages:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]
