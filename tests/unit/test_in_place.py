"""A file is rewritten in one step, and given back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright import in_place
from tonewright.errors import NothingToDo, Refused

BEFORE, AFTER = "\ufeffOne\r\ntwo\ttwo\r\n\x0cthree", "\ufeffOne\r\n2\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with an awkward mode and content, behind a link."""
    real = tmp_path / "real.md"
    real.write_bytes(BEFORE.encode())
    real.chmod(0o640)
    link = tmp_path / "post.md"
    link.symlink_to(real)
    (tmp_path / "state").mkdir()
    return link


def test_there_and_back(file: Path, tmp_path: Path) -> None:
    """Two rewrites are undone one by one, to the byte; mode and link stay, and nothing is left beside the file."""
    state = tmp_path / "state"
    in_place.write(state, file, BEFORE, AFTER)
    in_place.write(state, file, AFTER, "third")
    assert file.read_bytes() == b"third"
    in_place.undo(state, file)
    assert file.read_bytes() == AFTER.encode()
    in_place.undo(state, file)
    assert file.read_bytes() == BEFORE.encode()
    assert file.is_symlink() and file.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["post.md", "real.md", "state"]
    with pytest.raises(NothingToDo):
        in_place.undo(state, file)


def test_nobodys_work_is_overwritten(file: Path, tmp_path: Path) -> None:
    """A file that was saved meanwhile is neither rewritten nor undone, and the older words can still be found."""
    state = tmp_path / "state"
    with pytest.raises(Refused, match="saved by somebody else"):
        in_place.write(state, file, "something else", AFTER)
    in_place.write(state, file, BEFORE, AFTER)
    file.write_text("edited")
    with pytest.raises(Refused, match=r"changed since it was rewritten: what it said before is in .*json"):
        in_place.undo(state, file)
    assert file.read_text() == "edited"


def test_ten_steps_are_kept(file: Path, tmp_path: Path) -> None:
    """The way back does not grow for ever, and is for the author's eyes only."""
    state = tmp_path / "state"
    said = BEFORE
    for number in range(14):
        in_place.write(state, file, said, f"step {number}")
        said = f"step {number}"
    steps = list((state / in_place.FOLDER).iterdir())
    assert len(steps) == 10
    assert all(step.stat().st_mode & 0o077 == 0 for step in steps)
    in_place.undo(state, file)
    assert file.read_text() == "step 12"
