"""When a file counts as ready, by a clock that the test moves."""

from __future__ import annotations

import os
from pathlib import Path

from watchers.settle import Settling, signature

NOTE = Path("note.m4a")


def test_quiet_is_counted_from_the_last_change() -> None:
    """Every change of the signature starts the count again; one look is never enough."""
    now = 0.0
    settling = Settling(5.0, clock=lambda: now)
    assert settling.quiet_for(NOTE, "a") == 0.0
    now = 4.0
    assert settling.quiet_for(NOTE, "a") == 4.0
    assert settling.quiet_for(NOTE, "b") == 0.0
    now = 10.0
    assert settling.quiet_for(NOTE, "b") == 6.0
    settling.keep(lambda file: file != NOTE)
    assert settling.quiet_for(NOTE, "b") == 0.0


def test_only_fresh_arrivals_are_worth_waiting_for() -> None:
    """A file that is merely incomplete keeps being followed, but nobody waits for it."""
    now = 0.0
    settling = Settling(5.0, clock=lambda: now)
    assert settling.due_in is None
    settling.quiet_for(NOTE, "a")
    now = 2.0
    settling.quiet_for(Path("other.m4a"), "b")
    assert settling.due_in == 3.0
    assert settling.arriving_soon
    now = 6.0
    assert settling.due_in == 1.0
    now = 7.0
    assert settling.quiet_for(NOTE, "a") == 7.0
    assert not settling.arriving_soon


def test_a_signature_sees_what_sizes_do_not(tmp_path: Path) -> None:
    """A rewrite of the same length, with its old date put back, has another signature."""
    file = tmp_path / "note.wav"
    file.write_bytes(b"0" * 100)
    before = file.stat()
    file.write_bytes(b"1" * 100)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert signature(file.stat()) != signature(before)
