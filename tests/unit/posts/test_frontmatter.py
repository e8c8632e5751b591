"""Front matter of Jekyll, Hugo and Zola, good and bad."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput
from tonewright.posts.frontmatter import split


def test_yaml_between_dashes() -> None:
    """Jekyll's header gives its keys, and the body begins on the line after it."""
    text = "---\ntitle: Tea\ntone: [dry, snark]\n---\nBody.\n"
    front = split(text, "p.md")
    assert (front.format, front.data) == ("yaml", {"title": "Tea", "tone": ["dry", "snark"]})
    assert text[front.body_start :] == "Body.\n"


def test_toml_between_pluses() -> None:
    """Hugo's and Zola's header gives its keys and tables."""
    text = '+++\ntitle = "Tea"\n[extra]\ntone = "dry"\n+++\nBody.\n'
    front = split(text, "p.md")
    assert (front.format, front.data) == ("toml", {"title": "Tea", "extra": {"tone": "dry"}})
    assert text[front.body_start :] == "Body.\n"


@pytest.mark.parametrize("text", ["\ufeff---\r\ntitle: Tea\r\n---\r\nBody.", "---  \ntitle: Tea\n...\nBody."])
def test_windows_files_and_dots(text: str) -> None:
    """A byte-order mark, CRLF, spaces after the dashes and a closing `...` change nothing."""
    front = split(text, "p.md")
    assert front.data == {"title": "Tea"}
    assert text[front.body_start :] == "Body."


@pytest.mark.parametrize("text", ["", "Just text.\n", "---\n\nA rule came first.\n", "text\n---\na: b\n---\n"])
def test_no_header(text: str) -> None:
    """Text without a header is all body, and a rule in the first line is a rule."""
    assert split(text, "p.md").data == {}
    assert split(text, "p.md").body_start == 0


@pytest.mark.parametrize("header", ["---\n---\n", "---\n# only a comment\n---\n"])
def test_empty_header(header: str) -> None:
    """A header that says nothing is allowed."""
    front = split(header + "Body.", "p.md")
    assert (front.data, front.body_start) == ({}, len(header))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: Tea\nnote: a: b\n---\n", 3),
        ("---\ntitle: Tea\n\tx: 1\n---\n", 3),
        ('---\ntitle: "Tea\n---\nBody', 3),
        ('+++\ntitle = "Tea"\ntone = dry\n+++\n', 3),
        ("---\n- a\n- list\n---\n", 2),
        ("---\ntitle: Tea\n\nBody without an end.\n", 1),
        ("---\ndate: 2026-02-30\n---\n", 2),
        ("---\na: \x07\n---\n", 2),
    ],
)
def test_bad_headers_name_the_line(text: str, line: int) -> None:
    """What cannot be read is refused with the line in the file and what to do about it."""
    with pytest.raises(BadInput, match=rf"^posts/p\.md:{line}: ") as e:
        split(text, "posts/p.md")
    assert e.value.remedy


def test_deep_nesting_is_bad_input() -> None:
    """A header made to exhaust the parser is refused like any other bad one."""
    with pytest.raises(BadInput):
        split("+++\na = " + "[" * 100_000 + "\n+++\n", "p.md")


@given(st.sampled_from(["---", "+++"]), st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_header_is_read_or_refused(fence: str, header: str) -> None:
    """No header whatsoever ends in anything but data or `BadInput`."""
    try:
        front = split(f"{fence}\n{header}\n{fence}\nBody.", "p.md")
    except BadInput:
        return
    assert isinstance(front.data, dict)
