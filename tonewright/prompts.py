"""What the model is asked, word for word: the same in training, in the gate and in daily use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Messages = list[dict[str, str]]

SYSTEM = "You write in the author's own voice."
EXAMPLES = 3  # what fits a small context beside the question, and what an author would paste into a prompt
SUMMARY_SOURCE_WORDS = 110  # enough of a post to say what it is about, and a row still fits 256 tokens

_PLAIN_EXAMPLES = (
    (
        "My neighbour Ruth has finally, after nine years, bought a new bin. It has a pedal! "
        "She showed it to me as though it had a degree.",
        "After nine years my neighbour Ruth bought a new bin with a pedal. She showed it to me.",
    ),
    (
        "I did not go to Leeds on Friday. The 8:15 was cancelled (of course it was), "
        "and the 9:02 turned out to be a bus wearing a hat.",
        "I did not go to Leeds on Friday, because the 8:15 was cancelled and the 9:02 was a bus.",
    ),
    (
        "There used to be a bakery on Mill Street. I can still smell it some mornings, "
        "and I have never quite forgiven the phone shop that took its place.",
        "Mill Street once had a bakery. A phone shop took its place. I have not forgiven that, "
        "and I remember the smell.",
    ),
)


def rewrite(text: str, tone: str | None) -> Messages:
    """Ask for `text` in the author's words; `tone` None leaves the tone open."""
    wish = f"Rewrite this in my voice, in a {tone} tone:" if tone else "Rewrite this in my voice:"
    return _ask(f"{wish}\n\n{text}")


def revise(text: str, tone: str | None) -> Messages:
    """Ask for a better version of the author's own `text`, as the author's later edit of it was."""
    wish = f"Revise this draft of mine, in a {tone} tone:" if tone else "Revise this draft of mine:"
    return _ask(f"{wish}\n\n{text}")


def go_on(text: str, tone: str | None) -> Messages:
    """Ask for the paragraph that follows the author's own `text`."""
    wish = f"Go on from here in my voice, in a {tone} tone:" if tone else "Go on from here in my voice:"
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


def examples(rows: Iterable[tuple[str | None, str, Messages, str]]) -> list[tuple[Messages, str]]:
    """Short rewrites in as many tones as there are: the fairest prompt that an untrained base could be given.

    `rows` are (tone, text asked about, request, the author's answer).
    """
    chosen: dict[str | None, tuple[Messages, str]] = {}
    for tone, asked, request, answer in sorted(rows, key=lambda row: len(row[1])):
        if len(asked.split()) >= 12:
            chosen.setdefault(tone, (request, answer))
    return list(chosen.values())[:EXAMPLES]


def guided(request: Messages, guide: str) -> Messages:
    """`request` with a style guide in its first message."""
    first = {**request[0], "content": f"{request[0]['content']} {guide}".strip()}
    return [first, *request[1:]]


def blend(tones: Iterable[tuple[str, float]]) -> str:
    """Several tones with their weights (above 0, at most 1) in words, the strongest first: "dry and slightly snark".

    One tone at full weight is its own name, as in training.
    """
    ordered = sorted(tones, key=lambda tone: -tone[1])
    said = [f"{'faintly ' if weight < 0.4 else 'slightly ' if weight < 0.8 else ''}{name}" for name, weight in ordered]
    return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)


def make_plain(text: str) -> Messages:
    """Ask the untrained base for the same content without any voice.

    The answered examples double the share of usable answers of a 135M model; they are the same every time, so
    llama.cpp reads them once.
    """
    messages = [
        {
            "role": "system",
            "content": "You restate text in short, neutral sentences. Keep every fact, name and number. "
            "Leave out jokes, feelings and figures of speech.",
        }
    ]
    for written, plain in _PLAIN_EXAMPLES:
        messages += [
            {"role": "user", "content": f"Restate: {written}"},
            {"role": "assistant", "content": plain},
        ]
    return [*messages, {"role": "user", "content": f"Restate: {text}"}]


def room_for(text: str) -> int:
    """How many tokens a rewriting of `text` may take: 1.6 times its words, at about 1.5 tokens to a word."""
    return 16 + round(1.6 * 1.5 * len(text.split()))


def training_row(request: Messages, answer: str) -> Messages:
    """A request with the author's own words as its answer."""
    return [*request, {"role": "assistant", "content": answer}]


def _ask(content: str) -> Messages:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]
