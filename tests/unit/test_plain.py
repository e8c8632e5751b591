"""Plain versions: what is manner goes, what is said stays, and there is always one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.config.schema import Pairs, Tones
from tonewright.corpus.plain import PLAIN_MAKERS, TRIAL, LocalPlainMaker, objections
from tonewright.corpus.plain_rules import plain_by_rules
from tonewright.gate.measures import kept, similarity
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.prompts import Messages
from tonewright.tones.vocabulary import Vocabulary

POSTS = sorted((Path(__file__).parents[2] / "examples" / "blog" / "_posts").glob("*.md"))
PASSAGE = (
    "Well, the 8:15 was really cancelled (of course it was), and Ruth waited two hours, as though a train "
    "were a kind of weather. Lovely. I didn't!"
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (PASSAGE, "The 8:15 was cancelled, and Ruth waited two hours. I did not."),
        ("Oh, it’s done. Two tins. I can't say more.", "It is done, two tins. I cannot say more."),
        ("It was *very* late — later than usual — and dark.", "It was late and dark."),
        (
            "So far so good; he really left, and he simply came back.",
            "far good; he left; he came back.",
        ),
    ],
)
def test_rules_take_the_manner_away(text: str, plain: str) -> None:
    """Openers, asides, similes, intensifiers and contractions go; the rest stays in order, or its gist does."""
    assert plain_by_rules(text) == plain


def test_aside_with_a_fact_stays() -> None:
    """Brackets that hold a number or a name are part of what is said."""
    assert "£14" in plain_by_rules("Look behind the geranium (there is £14 in the tin) before you really leave!")
    assert "Leeds" in plain_by_rules("A family (from Leeds) waited, frankly, for an absolutely long time.")


def test_dry_text_becomes_its_gist() -> None:
    """A passage without flourishes still gets a plain version that is not a copy of it."""
    dry = "He asked for the risk assessment. I gave him the risk assessment. It is in the book by the door."
    plain = plain_by_rules(dry)
    assert plain == "he asked risk assessment; I gave risk assessment; book door."
    assert similarity(dry, plain) < 0.8


def test_rules_keep_every_fact_of_a_whole_blog() -> None:
    """On every passage of the example blog: nothing is lost, and next to nothing is a copy."""
    vocabulary = Vocabulary(Tones().names)
    passages = [p.text for f in POSTS for p in split_passages(parse(f.read_bytes(), str(f)), vocabulary)]
    plains = [plain_by_rules(p) for p in passages]
    assert len(passages) > 80
    assert [kept(p, plain) for p, plain in zip(passages, plains)] == [[]] * len(passages)
    assert sum(p == plain for p, plain in zip(passages, plains)) <= len(passages) // 50


def test_rules_are_stable() -> None:
    """The same passage always has the same plain version, and very short ones survive."""
    assert plain_by_rules(PASSAGE) == plain_by_rules(PASSAGE)
    assert plain_by_rules("Lovely.") == "Lovely."


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "empty"),
        (PASSAGE, "copy"),
        ("The 8:15 was cancelled.", "it lost name Ruth"),
        ("The 8:15 was cancelled and Ruth waited two hours. I waited.", "a “not”"),
        ("Here is the text: the 8:15 was cancelled, Ruth waited two hours, I did not.", "talks about itself"),
        (
            "The 8:15 was cancelled. Ruth waited two hours for Bob at the train. I did not.",
            "invented name Bob",
        ),
        ("The 8:15 was cancelled. He waited two hours. Ruth did too, in weather. I did not.", "invents a he"),
        (
            "The 8:15 was cancelled. Ruth waited two hours. A phone shop took its place. I did not.",
            "repeats the examples",
        ),
    ],
)
def test_unusable_answers_are_seen(answer: str, why: str) -> None:
    """Each way in which a small model fails at a plain version is recognised by name."""
    assert any(why in objection for objection in objections(PASSAGE, answer)), objections(PASSAGE, answer)


def test_good_answer_is_taken() -> None:
    """A short neutral version with every fact has nothing against it."""
    assert objections(PASSAGE, "The 8:15 train was cancelled, Ruth waited two hours and I did not.") == []


class Scripted:
    """A model that always gives the same answer, and counts how often it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer, self.asked = answer, 0

    def generate(
        self,
        messages: Messages,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        stop: object = (),
    ) -> str:
        """The one answer."""
        self.asked += 1
        return self.answer


GOOD = "The 8:15 train was cancelled, Ruth waited two hours and I did not."


@pytest.mark.parametrize(
    ("answer", "text", "how"),
    [
        (GOOD, GOOD, "model"),
        (PASSAGE, plain_by_rules(PASSAGE), "rules"),
        ("I'm sorry, I cannot.", plain_by_rules(PASSAGE), "rules"),
    ],
)
def test_there_is_always_a_plain_version(answer: str, text: str, how: str) -> None:
    """A good answer is used; where the model fails, rules do it, and that is said."""
    made = LocalPlainMaker(Scripted(answer), "scripted").make(PASSAGE)  # type: ignore[arg-type]
    assert (made.text, made.how) == (text, how)


def test_a_base_that_fails_is_not_asked_for_ever() -> None:
    """After a fair trial the rules go on alone; a base that does well is asked every time."""
    poor, able = Scripted("I cannot."), Scripted(GOOD)
    for model in (poor, able):
        maker = LocalPlainMaker(model, "scripted")  # type: ignore[arg-type]
        assert all(maker.make(PASSAGE).text for _ in range(3 * TRIAL))
    assert (poor.asked, able.asked) == (TRIAL, 3 * TRIAL)


def test_settings_name_a_maker() -> None:
    """What `pairs.use` may say is in the one list of makers; the cache key names maker, base and version."""
    names = {use: make(lambda: Scripted(GOOD), "smollm2-135m").name for use, make in PLAIN_MAKERS.items()}  # type: ignore[arg-type,return-value]
    assert names == {"local": "local/smollm2-135m/1", "rules": "rules/1"}
    assert Pairs().use in PLAIN_MAKERS
