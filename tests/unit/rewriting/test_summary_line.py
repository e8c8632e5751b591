"""A summary stands in the header as a line that means what it says, and nothing else in the file moves."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput, Refused, UsageError
from tonewright.posts import frontmatter
from tonewright.rewriting.summary import summary_line, with_summary

AWKWARD = 'Yes: "it" is — 3 # so\\far, {really}: no.'


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: a\n---\n\nbody\n",
        "---\r\ntitle: a\r\ntags:\r\n  - b\r\n---\r\nbody",
        "\ufeff---\n# only a comment\n---\n",
        "---\ntext: |\n  of\n  lines\n\n...\nbody",
        "---\ntitle: a\n---",
        '+++\ntitle = "a"\n[extra]\nx = 1\n+++\nbody',
        '+++\r\ntitle = "a"\r\n+++\r\n',
    ],
)
def test_one_line_more(text: str) -> None:
    """The header says the same and the summary, with the file's own line ends; without that line it is the old file."""
    new = with_summary(text, "post.md", AWKWARD)
    old, front = frontmatter.split(text, "post.md"), frontmatter.split(new, "post.md")
    assert front.data == {**old.data, "summary": AWKWARD}
    line = summary_line(AWKWARD, front.format)
    end = "\r\n" if "\r\n" in text else "\n"
    assert new.replace(f"{line}{end}", "") == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).map(str.strip).filter(bool))
def test_any_sentence_is_valid(summary: str) -> None:
    """Whatever a model says, YAML and JSON's escapes in TOML read it back."""
    assert yaml.safe_load(summary_line(summary, "yaml")) == {"summary": summary}
    assert "\n" not in summary_line(summary, "yaml")
    assert json.loads(summary_line(summary, "toml").partition(" = ")[2]) == summary


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("No header at all.\n", UsageError),
        ("---\ntitle: a\nsummary: Mine.\n---\n", Refused),
        ("---\n{title: a}\n---\n", BadInput),
    ],
)
def test_what_cannot_be_is_refused(text: str, error: type[Exception]) -> None:
    """A file without a header, with a summary of the author's, or with a header of another form is left alone."""
    with pytest.raises(error):
        with_summary(text, "post.md", "Theirs.")
