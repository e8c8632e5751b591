"""Messages become the same prompt text wherever they are rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput, Missing
from tonewright.models.chat import ChatFormat, answer_start, render
from tonewright.models.gguf_header import read_header
from tonewright.models.stopping import cut_at

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ASKED = [{"role": "user", "content": "Say it dryly."}]
ANSWERED = [*ASKED, {"role": "assistant", "content": "It rained."}]


def test_a_conversation_ends_with_the_end_token_and_nothing_after_it() -> None:
    """White space that a template puts after the end token is not taught."""
    chat = ChatFormat(CHATML, bos="<|im_start|>", eos="<|im_end|>", add_bos=False)
    assert chat.conversation(ANSWERED).endswith("assistant\nIt rained.<|im_end|>")
    assert chat.conversation(ANSWERED).startswith(chat.prompt(ASKED))


def test_a_base_without_a_template_gets_a_plain_one_that_ends() -> None:
    """Headings that any text model has seen, one BOS, and an end token after the answer."""
    chat = ChatFormat(None, bos="<s>", eos="</s>", add_bos=True)
    assert chat.prompt(ASKED) == "<s>### User\nSay it dryly.\n\n### Assistant\n"
    assert chat.conversation(ANSWERED) == "<s>### User\nSay it dryly.\n\n### Assistant\nIt rained.</s>"


def test_a_template_that_forgets_the_end_token_gets_one() -> None:
    """Otherwise the model would never learn to stop."""
    chat = ChatFormat("{{ messages[-1]['content'] }}", bos="", eos="</s>", add_bos=False)
    assert chat.conversation(ANSWERED) == "It rained.</s>"


def test_bos_is_never_doubled() -> None:
    """A template that writes BOS itself keeps the only one."""
    chat = ChatFormat("{{ bos_token + messages[0]['content'] }}", bos="<s>", eos="</s>", add_bos=True)
    assert chat.prompt(ASKED) == "<s>Say it dryly."


def test_a_template_may_refuse_and_cannot_reach_out() -> None:
    """`raise_exception` becomes a sentence, and the sandbox keeps Python's insides away."""
    for template in ("{{ raise_exception('roles must alternate') }}", "{{ ''.__class__.__mro__ }}"):
        with pytest.raises(BadInput, match="refuses these messages"):
            render(template, ASKED, bos="", eos="", add_generation_prompt=True)


def test_the_answer_begins_where_token_ids_part() -> None:
    """A token that spans the boundary belongs to the answer."""
    assert answer_start([1, 2, 3], [1, 2, 3, 4, 5]) == 3
    assert answer_start([1, 2, 3], [1, 2, 9, 4]) == 2


@given(
    st.text("ab<>", max_size=30),
    st.lists(st.text("ab<>", min_size=1, max_size=3), max_size=3),
    st.integers(1, 4),
)
def test_streamed_pieces_join_to_the_text_before_the_first_stop(text: str, stop: list[str], size: int) -> None:
    """However a text is cut into pieces, no part of a stop string gets out too early."""
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    streamed = list(cut_at(pieces, stop))
    assert all(streamed)
    seen = "".join(streamed)
    assert text.startswith(seen)
    assert not any(s in seen for s in stop)
    if not any(s in text for s in stop):
        assert seen == text


def test_a_file_that_is_not_a_gguf_is_named(tmp_path: Path) -> None:
    """Missing, foreign and cut-off files each give one sentence with the path."""
    with pytest.raises(Missing, match=r"nowhere\.gguf"):
        read_header(tmp_path / "nowhere.gguf")
    for content in (b"", b"PK\x03\x04" + bytes(40), b"GGUF\x03\0\0\0" + bytes(8) + b"\x09" + bytes(7)):
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(content)
        with pytest.raises(BadInput, match=r"broken\.gguf"):
            read_header(broken)
