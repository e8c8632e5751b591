"""The review page under real key presses: what is answered stands in `_tones/` and in the ledger, and nothing else."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Blog, Tell
from tests.web.conftest import KETTLE, LOCK, POST, STOVE, Open, Sitting, Start, corpus, files, suggest, tags, take_in

KEYS = {"dry": "2", "snark": "1", "playful": "4"}


def test_answers_by_keys_are_tags(three: Blog, start: Start, tab: Open) -> None:
    """Enter, a number and skip: two files, two labels, an untouched post, and a last word when ^C ends it."""
    before = (three.root / POST).read_bytes()
    sitting = start(three)
    page = tab(sitting.url)
    assert page.page.url.endswith("/"), "the token leaves the address"
    assert page.passage() == STOVE, "what has no suggestion comes first"
    assert page.page.title().startswith("0 of 3")
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("() => document.querySelector('#said').textContent.includes('choose a tone')")
    page.press("4")
    assert page.said() == "Saved: playful."
    assert tags(three) == {"My": "playful"}, "saved before the next card is shown"
    asked = page.passage()
    assert "closest to: “rain”" in page.page.inner_text(".suggested")
    page.press("Enter")
    page.press("s")
    assert "put aside" in page.page.inner_text("h1")
    suggested = {KETTLE: "dry", LOCK: "snark"}[asked]
    assert tags(three) == {"My": "playful", asked.split()[0]: suggested}
    assert {line["quote"]: line["tone"] for line in files(three)} == {STOVE: "playful", asked: suggested}
    assert three.git("status", "--porcelain").split() == ["??", "_tones/"]
    assert (three.root / POST).read_bytes() == before
    code, told = sitting.end()
    assert code == 0
    assert told.startswith("2 passages decided, 1 put aside, 0 waiting")


def test_the_last_word_and_what_was_put_aside_come_back(three: Blog, start: Start, tab: Open) -> None:
    """Undo brings the passage back and takes the tag away with a file of its own; skipped ones can be had again."""
    page = tab(start(three).url)
    page.press("1")
    page.press("s")
    page.press("u")
    page.press("u")
    assert page.said() == "Taken back: snark."
    assert page.passage() == STOVE
    assert tags(three) == {}
    first, second = files(three)
    assert {tuple(first.get("removes", ())), tuple(second.get("removes", ()))} > {()}
    assert page.page.is_disabled("[data-key=u]")
    for key in ("2", "s", "s", "Enter", "2", "3"):
        page.press(key)
    assert page.page.inner_text("h1") == "All done"
    assert sorted(tags(three)) == ["My", "Nobody", "The"]


def test_help_opens_and_closes_and_answers_nothing(three: Blog, start: Start, tab: Open) -> None:
    """? shows the keys; while they are shown no key decides; Escape and ? close them."""
    page = tab(start(three).url)
    page.page.keyboard.press("?")
    assert page.page.is_visible("#help")
    assert "skip: put the passage aside" in page.page.inner_text("#help")
    page.page.keyboard.press("1")
    page.page.keyboard.press("Escape")
    assert not page.page.is_visible("#help")
    page.page.keyboard.press("?")
    page.page.keyboard.press("?")
    assert not page.page.is_visible("#help")
    assert tags(three) == {}


def test_the_second_of_two_reviewers_is_told(three: Blog, start: Start, tab: Open) -> None:
    """Two tabs, then two processes, on one passage: the first answer stands, the second is told and saves nothing."""
    one, two = start(three), start(three)
    first = tab(one.url)
    beside = tab(one.url, context=first.page.context)
    other = tab(two.url)
    assert first.passage() == beside.passage() == other.passage() == STOVE
    first.press("1")
    for late in (beside, other):
        late.press("2")
        assert (
            late.said() == "“My stove burns what it is given, except for the …” was decided elsewhere meanwhile: "
            "snark. That stands; nothing was saved."
        )
        assert late.passage() not in ("", STOVE)
    assert tags(three) == {"My": "snark"}
    assert len(files(three)) == 1
    assert three.tonewright("tag", POST, "dry").code == 0, "a third reviewer, on the command line"
    other.press("s")
    assert other.passage() == "", "what others have decided is not asked again"


@pytest.mark.parametrize("taken_in", [False, True])
def test_an_edit_under_a_pending_answer_is_shown_and_not_tagged(
    three: Blog, start: Start, tab: Open, taken_in: bool
) -> None:
    """The post changes, on disk or in the corpus too: nothing is saved, the new words are shown and can be tagged."""
    page = tab(start(three).url)
    assert page.passage() == STOVE
    edited = STOVE.replace("the manual", "the letters")
    three.post("a", f"{KETTLE}\n\n{LOCK}\n\n{edited}")
    if taken_in:
        three.commit()
        take_in(three)
    page.press("2")
    assert "was edited while you read it" in page.said()
    assert page.passage() == edited
    assert files(three) == []
    page.press("2")
    assert [line["quote"] for line in files(three)] == [edited]
    three.commit()
    take_in(three)
    assert tags(three) == {"My": "dry"}
    gone = page.passage()
    three.post("a", f"{KETTLE if gone == LOCK else LOCK}\n\n{edited}")
    page.press("1")
    assert "does not say this any more" in page.said()
    assert page.passage() not in ("", gone)
    assert len(files(three)) == 1


def test_what_was_forgotten_meanwhile_is_not_tagged(three: Blog, start: Start, tab: Open) -> None:
    """A post that its author has had forgotten in another window is gone from the page too, without a tag."""
    page = tab(start(three).url)
    done = three.tonewright("corpus", "forget", POST, "--yes")
    assert done.code == 0, done.err
    page.press("1")
    assert "Nothing was saved: " in page.said()
    assert page.page.inner_text("h1") == "All done"
    assert files(three) == []


def test_text_stays_text(blog: Blog, start: Start, tab: Open) -> None:
    """Scripts in a title, a passage, its neighbour and a tagger's evidence are shown as they are written, never run."""
    bomb = "<img src=x onerror=alert(1)><script>window.ran = 1</script>"
    corpus(
        blog,
        f"The kettle {bomb} gave up on Tuesday, and I drink tea from a pan.",
        f"{LOCK} {bomb}",
        front=f"description: {bomb!r}\n",
    )
    file = blog.root / POST
    file.write_text(file.read_text().replace("title: a", f"title: 'x {bomb}'"))
    blog.commit()
    take_in(blog)
    suggest(blog, "The", "dry", 0.9, f'">{bomb}')
    page = tab(start(blog).url)
    for _ in range(2):
        shown = page.page.inner_text("main")
        assert shown.count(bomb) >= 3
        assert page.page.evaluate("window.ran") is None
        assert page.page.query_selector("main img, main script") is None
        page.press("s")
    page.press("Enter")
    page.press("2")


def test_forms_work_without_scripts(three: Blog, start: Start, tab: Open) -> None:
    """With JavaScript switched off the same buttons do the same."""
    page = tab(start(three).url, java_script_enabled=False)
    page.page.click("text=playful")
    assert page.page.inner_text("#said") == "Saved: playful."
    page.page.click("text=Accept")
    page.page.click("text=Undo")
    assert len(files(three)) == 3
    assert len(tags(three)) == 1


def decide(number: int, blog: Blog, start: Start, tab: Open) -> tuple[Sitting, int]:
    """So many answers by key, and how many labels and lines there are in the end."""
    words = ("lamp", "gate", "rope", "brake", "rail", "car", "fog", "sea", "key", "ticket", "bell")
    passages = [
        f"Number {i} of the book says that the {words[i % 11]} {i} and the {words[i * 7 % 11]} {i} were not "
        f"on speaking terms, which the {words[i * 3 % 11]} {i} found hard."
        for i in range(number)
    ]
    corpus(blog, *passages)
    sitting = start(blog)
    page = tab(sitting.url)
    for i in range(number):
        page.press(str(i % 6 + 1))
    assert page.page.inner_text("h1") == "All done"
    assert {line["quote"] for line in files(blog)} == set(passages)
    return sitting, blog.workspace().ledger.read("SELECT count(*) FROM labels WHERE origin = 'hand'")[0][0]


def test_every_key_press_is_one_tag(blog: Blog, start: Start, tab: Open) -> None:
    """Six keys in a row are six tags, and `tonewright tones` counts them."""
    _, labels = decide(6, blog, start, tab)
    assert labels == 6
    assert "6" in re.sub(r"\D+", " ", blog.tonewright("tones").out)


@pytest.mark.proof
@pytest.mark.timeout(300)
def test_a_hundred_key_presses_are_a_hundred_tags(blog: Blog, start: Start, tab: Open, tell: Tell) -> None:
    """A sitting of a hundred passages by keys alone: a hundred files, a hundred labels, none twice."""
    sitting, labels = decide(100, blog, start, tab)
    code, told = sitting.end()
    assert (code, labels, len(files(blog))) == (0, 100, 100)
    tell(f"100 key presses, {len(files(blog))} files in _tones, {labels} labels; {told.strip()}")
