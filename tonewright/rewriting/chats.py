"""A chat with the voice, for programs that know nothing else: what is asked, and what is remembered of the answer."""

from __future__ import annotations

from tonewright import prompts
from tonewright.corpus import drafts
from tonewright.corpus.drafts import Draft
from tonewright.errors import BadInput
from tonewright.ledger.store import Ledger
from tonewright.posts.post import opted_out, parse
from tonewright.prompts import Messages


def source_of(messages: Messages) -> str:
    """The text to be rewritten: the last message, a user's. Raises `BadInput` when there is none."""
    last = messages[-1] if messages else {"role": "", "content": ""}
    if last["role"] != "user" or not last["content"].strip():
        raise BadInput("the last message is to be a user's, with the text to be rewritten")
    return last["content"]


def rewriting(messages: Messages, tone: str | None) -> Messages:
    """A chat in the words that the voice was trained with: each user message is a text to be rewritten.

    What system messages say stands behind the one that it was trained with; earlier answers stay where they were.
    """
    system = " ".join(m["content"].strip() for m in messages if m["role"] == "system")
    turns = [m for m in messages if m["role"] != "system"]
    asked = [m if m["role"] == "assistant" else prompts.rewrite(m["content"], tone)[1] for m in turns]
    return prompts.guided([prompts.rewrite("", None)[0], *asked], system)


def remember(ledger: Ledger, draft: Draft) -> None:
    """Keep what was given out, with its words unless its source is a post that the author keeps from everybody."""
    if not draft.text.strip():
        return
    try:
        secret = bool(opted_out(parse(draft.source.encode(), "the request")))
    except BadInput:  # it begins like a post and is none
        secret = False
    drafts.give_out(ledger, [draft], keep=not secret)
