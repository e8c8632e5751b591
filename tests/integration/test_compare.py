"""`tonewright tag --compare`: taggers beside the author's hand, without ever testing on what was taught."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.conftest import Blog
from tonewright.corpus.compare import Contender, Labels, Passage, compare
from tonewright.errors import Missing
from tonewright.tones.tagger import Suggestion

PASSAGES = [Passage(1, f"passage number {i}", "dry" if i % 2 else "snark") for i in range(40)]


def learner(taught: list[tuple[Labels, Sequence[Passage]]]) -> Contender:
    """Knows by heart what it was taught, and says "dry" otherwise."""

    def ask(labels: Labels, passages: Sequence[Passage]) -> list[Suggestion | None]:
        taught.append((labels, passages))
        known = dict(labels)
        tones = [known.get(p.text, "dry") for p in passages]
        return [Suggestion(tone, 0.9, {tone: 0.9}) for tone in tones]

    return Contender(ask, pace=lambda sample: 100.0)


def always(tone: str, confidence: float) -> Contender:
    """Says one thing; below a confidence of one half, it would rather not."""
    said = Suggestion(tone if confidence >= 0.5 else None, confidence, {tone: confidence})
    return Contender(lambda _, passages: [said for _ in passages], learns=False, cost=lambda: 0.25)


def missing(labels: Labels, passages: Sequence[Passage]) -> list[Suggestion | None]:
    """A tagger whose model is not installed."""
    raise Missing("there is no model", "fetch one")


def test_nobody_is_asked_what_it_was_taught() -> None:
    """Every passage is asked once, by a tagger that was taught all the other folds and not it."""
    taught: list[tuple[Labels, Sequence[Passage]]] = []
    found = compare({"learner": learner(taught)}, PASSAGES, lambda *_: None).taggers[0]
    assert sorted(p.text for _, asked in taught for p in asked) == sorted(p.text for p in PASSAGES)
    assert not any(p.text in dict(labels) for labels, asked in taught for p in asked)
    assert found.agreement is not None
    assert (found.agreement.share, found.agreement.kappa) == (0.5, 0.0)


def test_the_figures_and_the_one_that_is_furthest_off() -> None:
    """Abstentions, cost, agreement among taggers, a missing model, and who disagrees with the author most."""
    told: list[tuple[str, int, int]] = []
    right = Contender(lambda _, asked: [Suggestion(p.tone, 0.8, {p.tone: 0.8}) for p in asked])
    contenders = {"right": right, "dry": always("dry", 0.4), "lost": Contender(missing), "snark": always("snark", 0.6)}
    found = compare(contenders, PASSAGES, lambda *line: told.append(line))
    by_name = {one.tagger: one for one in found.taggers}
    assert by_name["right"].right_when_sure == 1.0
    assert (by_name["dry"].asked, by_name["dry"].abstained, by_name["dry"].cost) == (40, 40, 10.0)
    assert by_name["lost"].why_not == "there is no model: fetch one"
    assert {(one, other): both.share for one, other, both in found.between}["dry", "snark"] == 0.0
    assert found.furthest in ("dry", "snark")
    assert told[-1] == ("snark", 40, 40)


def test_a_comparison_takes_tags(blog: Blog) -> None:
    """Too few tags are exit code 3, an unknown tagger 2, and a hosted one that may see nothing says so."""
    blog.settings()
    for number in range(12):
        tone = "dry" if number % 2 else "snark"
        body = f"The {number}th kettle retired on a Tuesday, without a speech, and nobody came to see it off."
        blog.post(
            f"p{number}", f"{body}\n\nA second paragraph {number}, which nobody has given any tone.", f"tone: {tone}\n"
        )
        if number == 1:
            blog.commit()
            blog.tonewright("up", "--once")
            few = blog.tonewright("tag", "--compare")
            assert (few.code, "takes 10" in few.err) == (3, True), few.err
    blog.commit()
    blog.tonewright("up", "--once")
    assert blog.tonewright("tag", "--compare", "--taggers", "embeded").code == 2
    done = blog.tonewright("tag", "--compare", "--taggers", "hosted", "--json")
    assert done.code == 0, done.err
    (hosted,) = json.loads(done.out)["taggers"]
    assert hosted["asked"] == 0
    assert "on this machine" in hosted["why_not"]


@pytest.mark.model
def test_the_default_tagger_is_compared(blog: Blog) -> None:
    """Twelve tagged posts, the real small model: a table with its figures."""
    blog.settings()
    for number in range(12):
        tone = "plain" if number % 2 else "wistful"
        body = "The shop opens at nine." if number % 2 else "I still miss the porch, and the evenings we had on it."
        blog.post(
            f"p{number}", f"{body} It is number {number} on this road, past the mill and the bridge.", f"tone: {tone}\n"
        )
    blog.commit()
    blog.tonewright("up", "--once")
    done = blog.tonewright("tag", "--compare", "--taggers", "embedded")
    assert done.code == 0, done.err
    assert "12 passages with a tone by your hand" in done.out
    assert "embedded" in done.out
