"""Which is you? Keys pressed in a real browser, and what is in the ledger after each."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.conftest import QUIET, Blog
from tests.web.conftest import Open, Start
from tests.web.judged import item, trained
from tests.web.test_look import look
from tonewright.gate.systems import CHALLENGER
from tonewright.review.blind import AUTHOR, questions, wilson

NAMES = (b"challenger", b"prompted base", b"author")


def chosen(blog: Blog) -> dict[str, str]:
    """{item: whose text}."""
    return dict(blog.workspace().ledger.read("SELECT item, chosen FROM blind_choices ORDER BY at"))


def test_every_key_is_saved_at_once_and_nothing_gives_it_away(blog: Blog, start: Start, tab: Open) -> None:
    """Texts without names in mixed order; each key is a row before the next question; later, undo, and going on."""
    blog.settings(QUIET)
    model = trained(blog, items=5)
    asked = questions(model)
    sitting = start(blog, "--blind")
    assert sitting.passages == 5
    page = tab(sitting.url)
    for number, question in enumerate(asked[:3]):
        source = page.page.content().encode()
        assert not [name for name in NAMES if name in source]
        assert [b.inner_text().strip().splitlines()[-1] for b in page.page.query_selector_all(".text")] == [
            text for _, text in question.texts
        ]
        page.press(str(number + 1))
        assert page.said() == "Saved."
        assert chosen(blog) == {q.item: q.texts[n][0] for n, q in enumerate(asked[: number + 1])}
    page.press("u")
    assert len(chosen(blog)) == 2
    page.press("s")
    page.press("1")
    assert set(chosen(blog)) == {asked[0].item, asked[1].item, asked[3].item}
    assert look(page.page)["pale"] == []
    sitting.end()
    again = start(blog, "--blind")
    assert again.passages == 2
    rest = tab(again.url)
    rest.press("2")
    rest.press("3")
    assert "That was the last one" in rest.page.inner_text("main")
    assert len(chosen(blog)) == 5
    fooled = list(chosen(blog).values()).count(CHALLENGER)
    assert f"in {fooled} of 5" in rest.page.inner_text("main")
    assert again.end()[0] == 0
    assert blog.tonewright("review", "--blind").code == 3
    assert f"in {fooled} of 5" in blog.tonewright("model", "show").out
    assert json.loads(blog.tonewright("model", "show", "--json").out)["blind"]["took_for_own"] == fooled
    assert json.loads(blog.tonewright("dashboard", "--json").out)["blind"]["answered"] == 5


def test_two_tabs_cannot_answer_for_each_other(blog: Blog, start: Start, tab: Open) -> None:
    """A key in a tab that shows an old question saves nothing, and says so."""
    blog.settings(QUIET)
    trained(blog)
    sitting = start(blog, "--blind")
    one = tab(sitting.url)
    two = tab(sitting.url, context=one.page.context)
    one.press("1")
    two.press("2")
    assert "Nothing was saved" in two.said()
    assert len(chosen(blog)) == 1


def test_texts_that_read_the_same_are_not_asked_about(blog: Blog) -> None:
    """There is nothing to choose between equal texts, an empty answer, or two texts; the others are well mixed."""
    blog.settings(QUIET)
    model = trained(blog, items=24)
    assert {[who for who, _ in question.texts].index(AUTHOR) for question in questions(model)} == {0, 1, 2}
    same, empty, alone = item(1), item(2), item(3)
    same["answers"]["challenger"] = f" {same['author']} "
    empty["answers"]["prompted base"] = ""
    del alone["answers"]["prompted base"]
    ours = replace(model, report={"items": [same, empty, alone, item(4)]})
    assert [question.item for question in questions(ours)] == ["item-4"]
    assert questions(replace(model, report={})) == []


def test_nothing_to_ask(blog: Blog) -> None:
    """Exit code 2 without any model, 3 for one whose answers were not kept."""
    blog.settings(QUIET)
    assert blog.tonewright("review", "--blind").code == 2
    trained(blog, items=0)
    assert blog.tonewright("review", "--blind").code == 3


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (4, 12, 0.1381, 0.6094)],
)
def test_interval(successes: int, trials: int, low: float, high: float) -> None:
    """Wilson's interval, against values from R's `binom::binom.wilson`."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)
