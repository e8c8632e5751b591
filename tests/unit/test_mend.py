"""Raw tags become attributes that kramdown renders: the same tone on the same words, or the text stays."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.mend import mend
from tonewright.config.schema import Tones
from tonewright.posts.passages import split_passages, text_of
from tonewright.posts.post import parse
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(Tones().names)


def mended(body: str) -> str:
    return mend(parse(body.encode(), "_posts/p.md"), TONES).text


def meaning(body: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """[(passage, [(tone, the words that it stands on)])]."""
    post = parse(body.encode(), "_posts/p.md")
    return [
        (p.text, [(s.tone, text_of(post.text[s.start : s.end], TONES)) for s in p.tone_spans])
        for p in split_passages(post, TONES, min_words=1)
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<dry>One\ntwo.</dry>\n", 'One\ntwo.\n{: data-tone="dry"}\n'),
        ("<dry>One.</dry>", 'One.\n{: data-tone="dry"}'),
        ("<dry>One.</dry>\r\n\r\nTwo.\r\n", 'One.\r\n{: data-tone="dry"}\r\n\r\nTwo.\r\n'),
        ("A <dry>*b* c</dry> d.\n", 'A <span>*b* c</span>{: data-tone="dry"} d.\n'),
        (
            "A.\n\n<dry>\n\nB.\n\nC.\n\n</dry>\n\nD.\n",
            'A.\n\nB.\n{: data-tone="dry"}\n\nC.\n{: data-tone="dry"}\n\nD.\n',
        ),
        ("A.\n<dry>\nB.\n</dry>\nC.\n", 'A.\n\nB.\n{: data-tone="dry"}\n\nC.\n'),
        ("<dry><snark>A b.</snark></dry>\n", 'A b.\n{: data-tone="dry snark"}\n'),
        ("<dry>A.</dry>\n{: .note}\n", 'A.\n{: data-tone="dry"}\n{: .note}\n'),
        ("- <dry>tea</dry> please\n", '- <span>tea</span>{: data-tone="dry"} please\n'),
        ("# <dry>A b</dry>\n\nC.\n", '# A b\n{: data-tone="dry"}\n\nC.\n'),
        (
            "A <dry>b.\n\nC</dry> d.\n",
            'A <span>b.</span>{: data-tone="dry"}\n\n<span>C</span>{: data-tone="dry"} d.\n',
        ),
        (
            "<dry>a *b*{: data-tone='snark'} c</dry> d\n",
            "<span>a *b*{: data-tone='snark'} c</span>{: data-tone=\"dry\"} d\n",
        ),
        ("`<dry>` and <dry>b</dry> c\n", '`<dry>` and <span>b</span>{: data-tone="dry"} c\n'),
    ],
)
def test_forms(before: str, after: str) -> None:
    """A paragraph gets a line below it, a part of one a span, and nothing else moves."""
    assert mended(before) == after
    assert meaning(before) == meaning(after)
    assert mended(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "<snark>a <dry>b</dry> c</snark> d\n",
        "<dry>\n- a whole list\n</dry>\n",
        "a <dry></dry> b\n",
        "# a <dry>heading</dry> in part\n",
        "- one <dry>item\n- and</dry> another\n",
        "| a | <dry>b</dry> |\n|---|---|\n",
    ],
)
def test_what_has_no_clean_form_stays(text: str) -> None:
    """Tones within tones, lists as a whole, parts of headings and tables are left to the author."""
    before = meaning(text)
    after = mended(text)
    assert meaning(after) == before
    assert "<dry>" in after


WORDS = st.sampled_from(
    ["tea", "toast.", "“Well,”", "naïve", "<b>so</b>", "`<dry>`", "*yes*", "[a](b)", "5 < 6", "<span>x</span>"]
)
GAPS = st.sampled_from([" ", " ", "\n", "\n\n", "\r\n", "\n\n- ", "\n\n> ", "\n\n# "])


@st.composite
def posts(draw: st.DrawFn, depth: int = 2) -> str:
    """Words and gaps, some of them within tags (alone on their lines or not) or with attributes."""
    text = ""
    for i in range(draw(st.integers(1, 5))):
        text += draw(GAPS) if i else ""
        kind = draw(st.sampled_from(["word", "word", "tag", "lines", "attribute"])) if depth else "word"
        tone = draw(st.sampled_from(TONES.names))
        if kind == "tag":
            text += f"<{tone}>{draw(posts(depth=depth - 1))}</{tone}>"
        elif kind == "lines":
            text += f"\n<{tone}>\n{draw(posts(depth=depth - 1))}\n</{tone}>\n"
        elif kind == "attribute":
            text += f'*yes*{{: data-tone="{tone}"}}'
        else:
            text += draw(WORDS)
    return text


@given(st.sampled_from(["", "---\ntone: dry\n---\n\n"]), posts())
@settings(deadline=None)
def test_meaning_is_kept_and_twice_is_once(header: str, body: str) -> None:
    """In any post: same passages, same tones on the same words, and a second run changes nothing."""
    text = header + body
    after = mended(text)
    assert meaning(after) == meaning(text)
    assert mended(after) == after
