"""Prose goes to the model; everything else, and everything that comes back wrong, stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.voices import Scripted, rewrite
from tonewright.config.schema import Tones
from tonewright.errors import BadInput, NothingToDo, TonewrightError
from tonewright.rewriting.markdown import Prose
from tonewright.rewriting.ranking import Author
from tonewright.rewriting.rewrite import Manner, rewritten
from tonewright.rewriting.summary import summarise_text
from tonewright.tones.vocabulary import Vocabulary

USUAL = Vocabulary(Tones().names)

NASTY = """\
---
title: "The pump: 3 ways"
tone: [dry]
---

# The pump would not start on Monday morning, not at all

The pump would not start on Monday morning, and I had to
ask Pauline for the manual, which is [here](https://example.org/pump "the manual").

```python
print("The pump would not start on Monday morning, and I had to ask")
```

{% include pump.html %}
<div markdown="1">The pump would not start on Monday morning, and that is that.</div>

> The pump would not start on Monday morning, and I had to ask somebody.

- The pump would not start on Monday morning, and I had to ask somebody.

| pump | state |
|------|-------|
| old  | The pump would not start on Monday morning at all |

It stood there for two hours with its `state` at 0 and hummed like a fridge[^1].
{: data-tone="snark"}

<wistful>There used to be an older pump in the same pit, and I did not like it much.</wistful>

Roses are red at the foot of the cliff,\\
violets are not to be found there at all.\\
The pump is in two minds about both of them.

[^1]: The pump would not start on Monday morning, and I had to ask somebody.
"""
PROSE = 4  # paragraphs that may be looked at


def gloomy(text: str) -> str:
    """Keeps every fact and adds a sentence."""
    return f"Sadly so: {text} Such is life."


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_identity_gives_the_same_file(ends: str) -> None:
    """A voice that says what it was told leaves every byte of an awkward post alone, line ends too."""
    text = NASTY.replace("\n", ends)
    done, spans = rewrite(text, lambda said: said)
    assert done == text
    assert [span.kept for span in spans] == [True, True, True, False]


def test_everything_outside_the_spans_is_untouched() -> None:
    """With a voice that changes all it sees, only the spans differ, and they are what the report says."""
    done, spans = rewrite(NASTY, gloomy)
    assert len(spans) == PROSE
    rebuilt, at = "", 0
    for span in spans:
        assert NASTY[span.start : span.end] == span.before
        rebuilt += NASTY[at : span.start] + span.after
        at = span.end
    assert done == rebuilt + NASTY[at:]
    assert done.count("Such is life.") == 3
    assert "<wistful>Sadly so: There used to be an older pump" in done
    assert "Such is life.</wistful>" in done


def test_locked_text_never_reaches_the_model() -> None:
    """Header, code, templates, HTML, quotes, lists, tables, footnotes and hard line breaks are not sent."""
    voice = Scripted(gloomy)
    spans = list(rewritten(NASTY, "post.md", voice, Manner()))
    sent = "\n".join(m["content"] for request in voice.asked for m in request)
    for locked in (
        "3 ways",
        "print(",
        "include pump",
        "that is that",
        "> The",
        "| old",
        "ask somebody",
        "Roses",
    ):
        assert locked not in sent
    assert spans[-1].why == "its line breaks are part of it"


def test_marked_tone_is_asked_for() -> None:
    """Without a tone on the command line each paragraph gets its own; with one, all get that."""
    voice = Scripted(gloomy)
    list(rewritten(NASTY, "post.md", voice, Manner()))
    tones = [re.search(r"in an? (\w+) tone", request[-1]["content"]) for request in voice.asked]
    assert [t and t[1] for t in tones] == ["dry", "snark", "wistful"]
    voice = Scripted(gloomy)
    list(rewritten(NASTY, "post.md", voice, Manner("sincere")))
    assert all("in a sincere tone" in request[-1]["content"] for request in voice.asked)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (lambda t: t.replace("two", "three"), "it lost number 2"),
        (lambda t: t.replace("0 ", "nought "), "it lost number 0"),
        (lambda t: t.replace("`state`", "state"), "it lost code `state`"),
        (lambda t: t.replace("[^1]", ""), "it lost markup [^1]"),
        (lambda t: f"{t} Bob and Anna know.", "it invented name Anna"),
        (lambda t: "", "the answer is empty"),
        (lambda t: f"{t} And so on. And so on. And so on.", "it goes round in circles"),
        (lambda t: t[:-40], "it breaks off in the middle of a sentence"),
        (lambda t: f"# {t}", "it is no paragraph any more"),
        (lambda t: f"- {t}", "it is no paragraph any more"),
    ],
)
def test_wrong_answers_are_not_used(rule: Callable[[str], str], why: str) -> None:
    """An answer that loses or invents a fact, loops, breaks off or breaks the page is not used."""
    text = "It stood there for two hours with its `state` at 0 and hummed like a fridge[^1].\n"
    done, (span,) = rewrite(text, rule)
    assert done == text
    assert why in span.why and not span.kept


def test_paragraph_with_a_mark_inside_stays() -> None:
    """A tone that is marked on a few words would be lost in a rewriting, so that paragraph is left alone."""
    text = "It stood there for two hours, <snark>as one does</snark>, and hummed like a fridge.\n"
    done, (span,) = rewrite(text, gloomy)
    assert done == text
    assert span.why == "a tone is marked inside of it"


def test_answers_come_back_on_one_line() -> None:
    """A model that breaks its lines or adds blank ones cannot split a paragraph."""
    text = "It stood there for two hours in the rain and hummed like a fridge.\n"
    assert rewrite(text, lambda t: t.replace(" in", "\n\nin"))[0] == text
    assert rewrite(text, lambda t: f"Well.\n\n{t}\n")[0] == f"Well. {text}"


def test_progress_is_told_and_bad_marks_are_refused() -> None:
    """Each paragraph is announced by its number and place; a text that cannot be read is an error with its line."""
    heard: list[tuple[int, int]] = []

    def hear(number: int, piece: Prose) -> None:
        heard.append((number, piece.start))

    spans = list(rewritten(NASTY, "post.md", Scripted(gloomy), Manner(), hear))
    assert heard == [(number, span.start) for number, span in enumerate(spans, 1)]
    with pytest.raises(BadInput, match=r"post\.md:1: <snark> is never closed"):
        rewrite("It stood there, <snark>for two hours, and hummed like a fridge.", gloomy)


def test_locked_spans_keep_their_line_ends() -> None:
    """Code and the title of a link that run over a line's end come back as they stood, in a changed sentence."""
    text = "It stood there with `git\r\nlog` and the [manual](/pump 'The\r\npump') beside it.\r\n"
    done, (span,) = rewrite(text, lambda said: f"Sadly so: {said}")
    assert span.kept, span.why
    assert done == f"Sadly so: {text}"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (lambda t: t.replace("</kbd>", "").replace("<kbd>", "<kbd></kbd>"), ""),
        (lambda t: t.replace("<kbd>", "x").replace("</kbd>", "<kbd>").replace("x", "</kbd>", 1), "tags changed places"),
        (lambda t: t.replace("[manual]", "[]"), "a link lost its words"),
        (lambda t: t.replace("*at last*", "*at last"), "come no longer in pairs"),
        (lambda t: t.replace("It", "[It"), "brackets come no longer in pairs"),
        (lambda t: t.replace("It", "{{ It"), "it opened a {{"),
        (lambda t: t.replace("![pump](p.png)", "![pump](q.png)"), "it lost link p.png"),
        (lambda t: t.replace("![pump](p.png)", "[pump](p.png)"), "it lost image ![pump](p.png)"),
        (lambda t: t.replace("\\*", "*"), "it lost escape"),
        (lambda t: t.replace("$x$", "x"), "it lost mathematics $x$"),
        (lambda t: t.replace("&eacute;", "é"), "it lost entity &eacute;"),
    ],
)
def test_broken_form_is_not_used(rule: Callable[[str], str], why: str) -> None:
    """Every kind of markup inside a paragraph survives byte for byte and in working order, or the paragraph stays."""
    text = "It stood \\* there with <kbd>q</kbd> &eacute; $x$ ![pump](p.png) and the [manual](/pump) *at last* today.\n"
    done, (span,) = rewrite(text, rule)
    assert (done == text) == bool(why)
    assert why in span.why


def test_the_best_of_several() -> None:
    """Of several candidates one with a fault never wins, an echo comes last, and what recites the author is out."""
    source = "It stood there for two hours in the rain and hummed like a fridge."
    own = "It waited two hours in the wet and sang to itself as my grandmother did when the bread would not rise."
    answers = iter(
        [source, "It stood there for three hours.", own, "For two hours it hummed in the rain like a fridge."]
    )
    manner = Manner(best_of=4, author=Author((own,), max_overlap=8))
    (span,) = rewritten(f"{source}\n", "post.md", Scripted(lambda _: next(answers)), manner)
    assert span.after == "For two hours it hummed in the rain like a fridge."
    _, (span,) = rewrite(f"{source}\n", lambda _: own, Manner(author=Author((own,), max_overlap=8)))
    assert "it recites you" in span.why


def test_summary_is_one_sentence() -> None:
    """Only the first sentence of an answer is given back, on one line."""
    summary = summarise_text(NASTY, "post.md", Scripted(lambda t: "The pump\nhummed. Then it stopped."), USUAL)
    assert summary == "The pump hummed."


def test_summary_with_inventions_is_refused() -> None:
    """A summary may leave facts out, but not make them up; with no text there is nothing to do."""
    with pytest.raises(TonewrightError, match=r"no usable summary of post\.md .it invented number 99"):
        summarise_text(NASTY, "post.md", Scripted(lambda t: "It took 99 days."), USUAL)
    with pytest.raises(NothingToDo):
        summarise_text("---\ntitle: empty\n---\n\n```\ncode\n```\n", "post.md", Scripted(gloomy), USUAL)
