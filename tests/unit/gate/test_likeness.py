"""Whether likeness tells the author from somebody else, and from how much text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Tell
from tonewright.gate.intervals import told_apart
from tonewright.gate.language import words
from tonewright.gate.likeness import Manner, background, features

POSTS = sorted((REPOSITORY / "examples" / "blog" / "_posts").glob("*.md"))
VOICES = REPOSITORY / "examples" / "tones.jsonl"


def passages(posts: list[Path]) -> list[str]:
    """Paragraphs of prose."""
    texts = [text.partition("---\n")[2].partition("---\n")[2] for text in (p.read_text("utf-8") for p in posts)]
    return [p for text in texts for p in text.split("\n\n") if len(words(p)) >= 15 and p.lstrip()[0].isalnum()]


def others() -> list[str]:
    """Passages of three people who are not the author of the example blog."""
    return [json.loads(line)["text"] for line in VOICES.read_text(encoding="utf-8").splitlines()]


def test_author_is_told_from_three_others() -> None:
    """Of an unseen passage of the author's and one of somebody else's, the author's is nearer in four of five."""
    manner = Manner(passages(POSTS[:16]))
    own, foreign = passages(POSTS[16:]), others()
    apart = told_apart(*([manner.likeness(t).per_word for t in texts] for texts in (own, foreign)))
    assert apart.low > 0.8, apart


def test_little_text_says_little() -> None:
    """One paragraph of the author's moves the odds by a fraction of what a blog does; none moves nothing."""
    text = passages(POSTS[-2:])[0]
    blog, paragraph, nothing = Manner(passages(POSTS[:16])), Manner(passages(POSTS[:1])[:1]), Manner([])
    assert abs(nothing.likeness(text).nats) < 1e-9
    assert abs(paragraph.likeness(text).nats) < 0.5 * abs(blog.likeness(text).nats)


def test_background_is_rates_that_add_up() -> None:
    """What is shipped of other people's text are shares per kind of habit, and no words of content."""
    kinds: dict[str, float] = {}
    for (kind, _), rate in background().items():
        kinds[kind] = kinds.get(kind, 0.0) + rate
    assert kinds == {kind: pytest.approx(1.0, abs=1e-4) for kind in ("word", "mark", "length")}


def test_topic_does_not_count() -> None:
    """Swapping what a sentence is about leaves its habits as they are."""
    assert features("The lift was shut, so I sat in it.") == features("The shop was full, so I sat in it.")


@pytest.mark.proof
def test_author_is_told_from_others_by_so_much_text(tell: Tell) -> None:
    """How often the author comes out ahead of three other writers, by the number of posts that the measure has read."""
    own, foreign = passages(POSTS[16:]), others()
    for number in (1, 2, 4, 8, 16):
        manner = Manner(passages(POSTS[:number]))
        apart = told_apart(*([manner.likeness(t).per_word for t in texts] for texts in (own, foreign)))
        tell(f"after {number} posts: area {apart.value:.2f} ({apart.low:.2f} to {apart.high:.2f})")
    assert apart.low > 0.8
