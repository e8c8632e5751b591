"""The files of tags: written the same everywhere, read line by line, each fault named."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.tones.anchors import Words
from tonewright.tones.handbook import Decision, as_file, decision, read, seal
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(("snark", "dry", "plain"))
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TAG = Words(("The kettle gave up on Tuesday, “naturally”, and I drink tea.",)).quote(
    "_posts/a.md", "dry", 0, None, public=True
)


def test_what_is_written_is_read_again() -> None:
    """A tag and its undo come back as they were, under a name that is the hash of the file."""
    sealed = seal([TAG], NOW)
    sealed += seal([decision("_posts/a.md", removes=(sealed[0].id,))], NOW)
    name, lines = as_file(sealed)
    assert name.startswith("2026-11/")
    assert read("\n".join(lines).encode(), name, TONES) == (list(enumerate(sealed, 1)), [])
    assert as_file(sealed) == (name, lines)


def test_a_clock_that_is_behind_decides_last_all_the_same() -> None:
    """What is said after having read a later time sorts after it; ids differ though the words are the same."""
    first = seal([TAG], NOW + timedelta(days=3))[0]
    second = seal([TAG], NOW, first.at)[0]
    assert second.order > first.order
    assert second.id != first.id


GOOD = as_file(seal([TAG], NOW))[1][0]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("<<<<<<< HEAD", "t.jsonl:2 is not JSON"),
        ("[1]", "t.jsonl:2 is no JSON object"),
        (GOOD.replace('"dry"', '"dyr"'), "unknown tone 'dyr' at t.jsonl:2: did you mean dry"),
        (GOOD.replace('"_posts/a.md"', "3"), "t.jsonl:2: path is missing or of the wrong kind"),
        (GOOD.replace("2026-11-23T", "yesterday "), "t.jsonl:2: 'yesterday"),
        (GOOD.replace("2026-11-23T", "2026-13-23T"), "t.jsonl:2: '2026-13"),
        (GOOD[:40], "t.jsonl:2 is not JSON"),
        ('{"at": "2026-11-23T12:00:00.000000Z", "id": "x", "path": "p", "tone": "dry"}', "t.jsonl:2 quotes no words"),
        ("[" * 100_000, "t.jsonl:2"),
    ],
)
def test_a_broken_line_is_named_and_the_others_count(line: str, fault: str) -> None:
    """File, line and remedy for the second of three lines; the first and the third are read."""
    found, faults = read(f"{GOOD}\n{line}\n\n{GOOD}\n".encode(), "t.jsonl", TONES)
    assert [number for number, _ in found] == [1, 4]
    assert [str(f) for f in faults if fault in str(f)], faults
    assert len(faults) == 1


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """Whatever a file holds, lines are decisions or faults."""
    found, faults = read(data + b"\n" + GOOD.encode(), "t.jsonl", TONES)
    assert all(isinstance(what, Decision) for _, what in found)
    assert found[-1][1] == seal([TAG], NOW)[0]
    assert len(found) + len(faults) >= 1
