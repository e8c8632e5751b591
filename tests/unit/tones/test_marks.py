"""Hand tones in text: found where they are, refused where they are broken, taken out without a trace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput
from tonewright.tones.marks import find_marks, strip_marks
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))


def marked(text: str) -> list[tuple[str, str, str]]:
    """(tone, marked text, form) of every mark."""
    return [(m.tone, text[m.start : m.end], m.form) for m in find_marks(text, TONES, "p.md")]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Oh, <snark>lovely</snark> day.", [("snark", "lovely", "tag")]),
        ("<Snark markdown='span'>Oh **joy**</SNARK>", [("snark", "Oh **joy**", "tag")]),
        ("<snark>a <dry>b</dry> c</snark>", [("snark", "a <dry>b</dry> c", "tag"), ("dry", "b", "tag")]),
        ("<dry>\nTwo lines\n\nand two\n</dry>\n", [("dry", "\nTwo lines\n\nand two\n", "tag")]),
        ('One\ntwo.\n{: data-tone="dry"}\n', [("dry", "One\ntwo.", "block attribute")]),
        ("One.\n{: .note}\n{: .x data-tone=dry}\n", [("dry", "One.", "block attribute")]),
        ('One.\n\n{: data-tone="dry"}\nTwo.\n', [("dry", "Two.", "block attribute")]),
        ('# Head\n{: data-tone="dry"}\n', [("dry", "# Head", "block attribute")]),
        ("Oh *joy*{: data-tone='snark'} then", [("snark", "*joy*", "span attribute")]),
        ('A *b* **c _d_**{: .x data-tone="dry"}', [("dry", "**c _d_**", "span attribute")]),
        ('[see *it*](u){: data-tone="dry"}', [("dry", "[see *it*](u)", "span attribute")]),
        ('`x*y`{: data-tone="dry"}', [("dry", "`x*y`", "span attribute")]),
        (
            '*x*{: data-tone="dry snark"}',
            [("dry", "*x*", "span attribute"), ("snark", "*x*", "span attribute")],
        ),
    ],
)
def test_marks_are_found(text: str, marks: list[tuple[str, str, str]]) -> None:
    """Tags, nested tags, block and span attributes mark exactly the text that kramdown would."""
    assert marked(text) == marks


@pytest.mark.parametrize(
    "text",
    [
        "`<snark>` is how you mark it.",
        "``a ` <snark> b``",
        "```\n<snark>\n```\n",
        "~~~~ md\n<snark>\n~~~\n<dry>\n~~~~\n",
        "```\nnever closed <snark>\n",
        "Text:\n\n    <snark>\n\n\t<dry>\n",
        "- item\n\n  ```\n  <snark>\n  ```\n",
        "> ```\n> <snark>\n> ```\n",
        "<pre>\n<snark>\n</pre>\n",
        "<!-- <snark> -->\n",
        "Words <!-- <snark> --> and words.",
        "{% raw %}\n<snark>\n{% endraw %}\n",
        "{% highlight html %}\n\n<snark>\n\n{% endhighlight %}\n",
        "{{< highlight html >}}\n<snark>\n{{< /highlight >}}\n",
        "$$\na <snark> b\n$$\n",
        r"Write \<snark> as it is.",
        "<b>bold</b> <shard>x</shard> <main>y</main> <br> <https://x.org/snark>",
        "<snrk> alone, never closed, is somebody's element.",
        '`*x*{: data-tone="dry"}`',
        "A paragraph.\n{: .note}\n",
        "<snarky-thing></snarky-thing-x>",
    ],
)
def test_no_marks(text: str) -> None:
    """Code, mathematics, comments, escapes and other elements hold no marks, and stay as they are."""
    assert marked(text) == []
    assert strip_marks(text, TONES) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\nb <snark>c\n", r"^p\.md:3: <snark> is never closed: write </snark>"),
        ("<snark/>", r"^p\.md:1: <snark> is never closed"),
        ("a\n</dry>", r"^p\.md:2: </dry> closes nothing"),
        ("<dry>a</dry></dry>", r"^p\.md:1: </dry> closes nothing"),
        ("<dry>a\n<snark>b</dry>c</snark>", r"^p\.md:2: </dry> crosses <snark> of p\.md:2: close"),
        ("a\n<snrk>b</snrk>", r"^p\.md:2: <snrk> is no tone: did you mean <snark>\?"),
        ("<sincerly>\n\nb\n\n</sincerly>", r"^p\.md:1: <sincerly> is no tone: did you mean <sincere>\?"),
        ('a\n{: data-tone="snrk"}', r"^unknown tone 'snrk' at p\.md:2: did you mean snark\?"),
        ('a b{: data-tone="dry"}', r"^p\.md:1: this data-tone marks nothing"),
        ('a\n\n{: data-tone="dry"}\n\nb', r"^p\.md:3: this data-tone marks nothing"),
        ('*a*{: data-tone=""}', r"^p\.md:1: this data-tone marks nothing"),
    ],
)
def test_broken_marks(text: str, message: str) -> None:
    """A mark that does not work is refused with its line and what to write instead."""
    with pytest.raises(BadInput, match=message):
        find_marks(text, TONES, "p.md")


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("Oh, <snark>lovely</snark> day.", "Oh, lovely day."),
        ("One <snark>begins", "One begins"),
        ("*x*{: data-tone='dry'} y", "*x* y"),
        ("*x*{: .a data-tone='dry' #b} y", "*x*{: .a #b} y"),
        ("A.\r\n{: data-tone=dry}\r\nB.", "A.\r\n\r\nB."),
        ("<dry>\nA.\n</dry>\n", "\nA.\n\n"),
    ],
)
def test_only_the_notation_goes(text: str, stripped: str) -> None:
    """Stripping takes tags and attributes and leaves every other character, line ends too."""
    assert strip_marks(text, TONES) == stripped


def test_front_matter_is_not_searched() -> None:
    """What stands before the body is left alone, and lines are still counted from the top of the file."""
    text = "---\ntitle: <snark>\n---\nA <dry>b</dry>.\n"
    assert [m.tone for m in find_marks(text, TONES, "p.md", start=23)] == ["dry"]
    assert strip_marks(text, TONES, start=23) == "---\ntitle: <snark>\n---\nA b.\n"


# Pieces that are no syntax alone and cannot become any next to each other.
WORDS = st.sampled_from(["tea", "toast.", "“Well,”", "naïve", "<b>so</b>", "`<dry>`", "*yes*", "[a](b)", "5 < 6"])


@st.composite
def marked_text(draw: st.DrawFn, depth: int = 2) -> tuple[str, str, list[tuple[str, str]]]:
    """(text with marks, the same without, [(tone, marked plain text)] in order of their beginnings)."""
    text, plain, marks = "", "", []
    for i in range(draw(st.integers(1, 4))):
        gap = draw(st.sampled_from([" ", "\n", "\n\n", "\r\n"])) if i else ""
        kind = draw(st.sampled_from(["word", "word", "tag", "attribute"])) if depth else "word"
        if kind == "tag":
            tone = draw(st.sampled_from(TONES.names))
            inner, inner_plain, inner_marks = draw(marked_text(depth=depth - 1))
            text += f"{gap}<{tone}>{inner}</{tone}>"
            plain += gap + inner_plain
            marks += [(tone, inner_plain), *inner_marks]
        elif kind == "attribute":
            tone = draw(st.sampled_from(TONES.names))
            text += f'{gap}*yes*{{: data-tone="{tone}"}}'
            plain += f"{gap}*yes*"
            marks.append((tone, "*yes*"))
        else:
            word = draw(WORDS)
            text, plain = text + gap + word, plain + gap + word
    return text, plain, marks


@given(marked_text())
def test_round_trip(case: tuple[str, str, list[tuple[str, str]]]) -> None:
    """In any well-formed text, marks hold what was marked, and stripping takes their notation, no more."""
    text, plain, expected = case
    marks = find_marks(text, TONES, "p.md")
    assert strip_marks(text, TONES) == plain
    assert sorted((m.tone, strip_marks(text[m.start : m.end], TONES)) for m in marks) == sorted(expected)
    syntax = sorted({span for m in marks for span in m.syntax})
    kept = "".join(text[a:b] for a, b in zip([0, *(e for _, e in syntax)], [*(s for s, _ in syntax), len(text)]))
    assert kept == plain


@given(st.text(alphabet="<>/snarkdy*_`{:}= \n\"'\\~-#|$%[]()!", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text breaks the scanner: it has marks or a `BadInput`, and stripping only ever removes."""
    stripped = strip_marks(text, TONES)
    rest = iter(text)
    assert all(c in rest for c in stripped)
    try:
        marks = find_marks(text, TONES, "p.md")
    except BadInput:
        return
    assert all(0 <= m.start <= m.end <= len(text) for m in marks)
