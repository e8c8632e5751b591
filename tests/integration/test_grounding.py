"""`rewrite --with-context`: what the model is shown of earlier posts, what is said of it, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUIET, REPOSITORY, Blog
from tests.voices import Scripted, rewrite
from tonewright.rewriting.grounding import Earlier, Ground
from tonewright.rewriting.rewrite import Manner, rewritten
from tonewright.search.archive import open_archive

KETTLE = "The kettle gave up on Tuesday, which is really the day it usually picks, and Ruth drank tea from a pan."
LOCK = "Nobody has really mended the third lock since the spring, so the duchess waits there with her bicycle."
DRAFT = "The kettle is broken again, and tea is made in a pan."


@pytest.fixture
def archive(blog: Blog) -> Blog:
    """Two posts about different things."""
    blog.settings(QUIET)
    blog.post("kettle", KETTLE)
    blog.post("lock", LOCK)
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    return blog


def shown(blog: Blog, whole: str, text: str, *paths: str, limit: int = 2) -> list[Ground]:
    """What is found for the paragraph `text` of a file `whole`."""
    with open_archive(blog.workspace()) as opened:
        return Earlier(opened, whole, paths, limit, 12)(text)


def test_earlier_passages_are_answers_to_their_plain_versions(archive: Blog) -> None:
    """The request comes last, after the passage as the answer to what it says plainly, as in a training row."""
    (ground,) = shown(archive, DRAFT, DRAFT)
    assert (ground.path, ground.line, ground.text) == ("_posts/2026-01-02-kettle.md", 5, KETTLE)
    assert ground.plain != KETTLE
    assert "really" not in ground.plain
    voice = Scripted(str.upper)
    (span,) = rewritten(DRAFT, "draft.md", voice, Manner(context=lambda _: [ground]))
    assert [m["role"] for m in voice.asked[0]] == ["system", "user", "assistant", "user"]
    assert voice.asked[0][1]["content"] == f"Rewrite this in my voice:\n\n{ground.plain}"
    assert voice.asked[0][2]["content"] == KETTLE
    assert voice.asked[0][3]["content"] == f"Rewrite this in my voice:\n\n{DRAFT}"
    assert span.context == (ground,)


def test_never_the_same_post(archive: Blog) -> None:
    """Not by its path, not under another name when a run of its words is the same, and not what the text contains."""
    edited = KETTLE.replace("gave up", "stopped")
    assert shown(archive, f"{DRAFT}", DRAFT, "_posts/2026-01-02-kettle.md") == []
    assert shown(archive, f"{edited}\n\n{DRAFT}", DRAFT) == []
    assert shown(archive, f"{KETTLE}\n\n{DRAFT}", DRAFT) == []
    assert [ground.path for ground in shown(archive, LOCK, DRAFT)] == ["_posts/2026-01-02-kettle.md"]


def test_what_does_not_fit_is_not_shown(archive: Blog) -> None:
    """A paragraph that fills the window by itself gets no examples, and no number is exceeded."""
    assert shown(archive, DRAFT, f"{DRAFT} {'kettle ' * 400}") == []
    both = "The kettle and the third lock, the duchess and the pan."
    assert len(shown(archive, both, both)) == 2
    assert len(shown(archive, both, both, limit=1)) == 1


def test_a_copy_of_an_earlier_passage_is_refused(archive: Blog) -> None:
    """An answer that takes over a long run of what was shown is not used, even where nobody else would object."""
    ground = Ground("a.md", 1, "", "a", "The kettle broke.", KETTLE)
    text, spans = rewrite(DRAFT, lambda _: KETTLE.replace("Ruth", "I"), Manner(context=lambda _: [ground]))
    assert text == DRAFT
    assert "it copies an earlier passage: “the kettle gave up on" in spans[0].why


def test_it_is_said_which_passages_were_used(archive: Blog, tmp_path: Path) -> None:
    """On stderr by title, path and line, and as JSON with the passage; without the option nothing is looked up."""
    draft = tmp_path / "draft.md"
    draft.write_text(f"{DRAFT}\n")
    slow = [sys.executable, str(REPOSITORY / "tests/integration/slow_voice.py"), str(draft), "--json"]
    for options, expected in (([], []), (["--with-context"], ["_posts/2026-01-02-kettle.md"])):
        done = subprocess.run([*slow, *options], cwd=archive.root, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        (span,) = json.loads(done.stdout)["spans"]
        assert [ground["path"] for ground in span["context"]] == expected
        said = "line 1, with earlier passages: kettle (_posts/2026-01-02-kettle.md:5)"
        assert (said in done.stderr) == bool(expected)
    assert archive.tonewright("rewrite", "--with-context", "-1", str(draft)).code != 0
