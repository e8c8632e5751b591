"""Rewriting, summarising and plain versions with the real small base."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tonewright.corpus.plain import LocalPlainMaker, objections
from tonewright.gate.measures import kept
from tonewright.models.base import find_base
from tonewright.models.llama import LocalModel
from tonewright.rewriting.rewrite import Manner, rewritten, splice
from tonewright.rewriting.summary import summarise_text

pytestmark = pytest.mark.model

POST = """\
---
title: Kettle
---

The kettle gave up on Tuesday, which is the day it usually picks, and Ruth and I drank tea from a pan.

```
kettle --on
```
"""


@pytest.fixture(scope="module")
def base() -> Iterator[LocalModel]:
    """The untrained base."""
    with LocalModel(find_base("smollm2-135m").gguf, threads=1) as model:
        yield model


def test_post_is_rewritten_without_harm(base: LocalModel) -> None:
    """Whatever so small a model makes of a paragraph: facts survive, and the rest of the file stays."""
    manner = Manner("dry", best_of=2)
    (span,) = rewritten(POST, "kettle.md", base, manner)
    assert splice(POST, [span]) == POST[: span.start] + span.after + POST[span.end :]
    assert kept(span.before, span.after) == []
    assert span.kept or span.why


def test_post_is_summarised(base: LocalModel) -> None:
    """A summary comes out as one line of words."""
    summary = summarise_text(POST, "kettle.md", base, Manner().vocabulary)
    assert summary and "\n" not in summary


def test_plain_version_is_always_usable(base: LocalModel) -> None:
    """By the model or by rules, a plain version keeps the facts, and is the same every time."""
    passage = "Well, the 8:15 was really cancelled (of course), and Ruth waited two hours, as though for fun."
    maker = LocalPlainMaker(base, "smollm2-135m")
    made = maker.make(passage)
    assert kept(passage, made.text) == []
    assert made.how == "rules" or objections(passage, made.text) == []
    assert maker.make(passage) == made
