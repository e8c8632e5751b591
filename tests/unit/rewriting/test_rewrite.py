"""Prose goes to the model; everything else, and everything that comes back wrong, stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tonewright.errors import BadInput, NothingToDo, TonewrightError
from tonewright.prompts import Messages
from tonewright.rewriting.rewrite import rewrite_text, summarise_text

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


class Scripted:
    """A voice that makes an answer out of the text in the request by a rule."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self.rule = rule
        self.asked: list[Messages] = []

    def generate(self, messages: Messages, *, max_tokens: int, temperature: float = 0.0, seed: int = 0) -> str:
        """The rule's answer to what follows the request's first line."""
        self.asked.append(messages)
        return self.rule(messages[-1]["content"].partition("\n\n")[2])


def gloomy(text: str) -> str:
    """Keeps every fact and adds a sentence."""
    return f"Sadly so: {text} Such is life."


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_identity_gives_the_same_file(ends: str) -> None:
    """A voice that says what it was told leaves every byte of an awkward post alone, line ends too."""
    text = NASTY.replace("\n", ends)
    done = rewrite_text(text, "post.md", Scripted(lambda said: said))
    assert done.text == text
    assert [span.kept for span in done.spans] == [True, True, True, False]


def test_everything_outside_the_spans_is_untouched() -> None:
    """With a voice that changes all it sees, only the spans differ, and they are what the report says."""
    done = rewrite_text(NASTY, "post.md", Scripted(gloomy))
    assert len(done.spans) == PROSE
    rebuilt, at = "", 0
    for span in done.spans:
        assert NASTY[span.start : span.end] == span.before
        rebuilt += NASTY[at : span.start] + span.after
        at = span.end
    assert done.text == rebuilt + NASTY[at:]
    assert done.text.count("Such is life.") == 3
    assert "<wistful>Sadly so: There used to be an older pump" in done.text
    assert "Such is life.</wistful>" in done.text


def test_locked_text_never_reaches_the_model() -> None:
    """Header, code, templates, HTML, quotes, lists, tables, footnotes and hard line breaks are not sent."""
    voice = Scripted(gloomy)
    done = rewrite_text(NASTY, "post.md", voice)
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
    assert done.spans[-1].why == "its line breaks are part of it"


def test_marked_tone_is_asked_for() -> None:
    """Without a tone on the command line each paragraph gets its own; with one, all get that."""
    voice = Scripted(gloomy)
    rewrite_text(NASTY, "post.md", voice)
    tones = [re.search(r"in an? (\w+) tone", request[-1]["content"]) for request in voice.asked]
    assert [t and t[1] for t in tones] == ["dry", "snark", "wistful"]
    voice = Scripted(gloomy)
    rewrite_text(NASTY, "post.md", voice, "sincere")
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
    done = rewrite_text(text, "post.md", Scripted(rule))
    assert done.text == text
    assert why in done.spans[0].why and not done.spans[0].kept


def test_paragraph_with_a_mark_inside_stays() -> None:
    """A tone that is marked on a few words would be lost in a rewriting, so that paragraph is left alone."""
    text = "It stood there for two hours, <snark>as one does</snark>, and hummed like a fridge.\n"
    done = rewrite_text(text, "post.md", Scripted(gloomy))
    assert done.text == text
    assert done.spans[0].why == "a tone is marked inside of it"


def test_answers_come_back_on_one_line() -> None:
    """A model that breaks its lines or adds blank ones cannot split a paragraph."""
    text = "It stood there for two hours in the rain and hummed like a fridge.\n"
    done = rewrite_text(text, "post.md", Scripted(lambda t: t.replace(" in", "\n\nin")))
    assert done.text == text
    done = rewrite_text(text, "post.md", Scripted(lambda t: f"Well.\n\n{t}\n"))
    assert done.text == f"Well. {text}"


def test_progress_is_told_and_bad_marks_are_refused() -> None:
    """Each paragraph is announced by its number; a text that cannot be read is an error with its line."""
    heard: list[int] = []
    rewrite_text(NASTY, "post.md", Scripted(gloomy), None, heard.append)
    assert heard == [1, 2, 3, 4]
    with pytest.raises(BadInput, match=r"post\.md:1: <snark> is never closed"):
        rewrite_text("It stood there, <snark>for two hours, and hummed like a fridge.", "post.md", Scripted(gloomy))


def test_summary_is_one_sentence() -> None:
    """Only the first sentence of an answer is given back, on one line."""
    summary = summarise_text(NASTY, "post.md", Scripted(lambda t: "The pump\nhummed. Then it stopped."))
    assert summary == "The pump hummed."


def test_summary_with_inventions_is_refused() -> None:
    """A summary may leave facts out, but not make them up; with no text there is nothing to do."""
    with pytest.raises(TonewrightError, match=r"no usable summary of post\.md .it invented number 99"):
        summarise_text(NASTY, "post.md", Scripted(lambda t: "It took 99 days."))
    with pytest.raises(NothingToDo):
        summarise_text("---\ntitle: empty\n---\n\n```\ncode\n```\n", "post.md", Scripted(gloomy))
