"""A full disk: nothing accepted is lost, the sentence says what to do, and work goes on once there is space."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def test_a_full_disk_is_no_loss(blog: Blog, small_disk: Path) -> None:
    """Exit code 75 while it is full; afterwards the same commit is taken, once."""
    blog.settings()
    env = {"TONEWRIGHT_STATE": str(small_disk / "state")}
    assert blog.tonewright("up", "--once", env=env).code == 0
    filler = small_disk / "filler"
    with filler.open("wb") as out:
        try:
            while True:
                out.write(b"\0" * 65536)
                out.flush()
        except OSError:
            pass
    blog.post("first", " ".join([WORDS] * 300))
    blog.commit()
    full = blog.tonewright("scan", env=env)
    assert full.code == 75, (full.out, full.err)
    assert "free some space" in full.err
    filler.unlink()
    assert blog.tonewright("up", "--once", env=env).code == 0
    told = blog.tonewright("status", "--json", env=env).out
    assert '"done": 1' in told
