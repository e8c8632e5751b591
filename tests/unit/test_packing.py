"""Rows become token ids with the loss on the answer, packed without loss or mixture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat
from tonewright.training.rows import Example, Row, encode, fitting, pack, read_rows

# A byte-per-token vocabulary in which the end token is the character that ends a turn.
CHAT = ChatFormat(
    "{% for m in messages %}{{ m['role'][0] + ':' + m['content'] + '$' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'a:' }}{% endif %}",
    bos="",
    eos="$",
    add_bos=False,
)


def tokenize(text: str) -> list[int]:
    """One token per byte."""
    return list(text.encode())


def row(user: str, answer: str, name: str = "r") -> Row:
    """A row with one request and one answer."""
    return Row(name, ({"role": "user", "content": user}, {"role": "assistant", "content": answer}))


def test_the_loss_covers_the_answer_and_its_end_token() -> None:
    """The mask is by position: the end token inside the request stays out, that after the answer is in."""
    example = encode(row("price: 5$", "cheap$ish"), CHAT, tokenize)
    assert bytes(example.ids) == b"u:price: 5$$a:cheap$ish$"
    assert bytes(example.ids[example.start :]) == b"cheap$ish$"


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40), st.integers(0, 3))
def test_packing_keeps_every_example_whole_and_once(sizes: list[int], seed: int) -> None:
    """No block is longer than the limit, and no example is cut, lost or doubled."""
    examples = [Example(f"r{i}", tuple(range(n)), 1) for i, n in enumerate(sizes)]
    blocks = pack(examples, 40, seed)
    assert all(sum(len(e.ids) for e in block) <= 40 for block in blocks)
    assert sorted(e.id for block in blocks for e in block) == sorted(e.id for e in examples)
    assert blocks == pack(examples, 40, seed)


def test_a_row_that_is_too_long_is_left_out_by_name() -> None:
    """A cut answer would teach the model to stop in the middle of a sentence."""
    examples = [Example("short", (1,) * 10, 1), Example("long", (1,) * 11, 1)]
    kept, left_out = fitting(examples, 10)
    assert ([e.id for e in kept], left_out) == (["short"], ["long"])


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"id": "x"}',
        '{"id": "x", "messages": [{"role": "user"}]}',
        json.dumps({"id": "x", "messages": [{"role": "user", "content": "only a request"}]}),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    """A person can find and mend it."""
    good = {"id": "a", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "w"}]}
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(good) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"train.jsonl, line 3"):
        read_rows(path)


def test_the_authors_words_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """Reading rows changes nothing in them, and separators inside a string do not split a line."""
    words = "  two\u2028lines\u0085 and “quotes”\n"
    data = {
        "id": "a",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": words}],
    }
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_rows(path)[0].target == words
