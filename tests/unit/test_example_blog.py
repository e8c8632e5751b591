"""The example blog and its note are what the rest of the project takes them for."""

from __future__ import annotations

import hashlib
import importlib.util
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tonewright.errors import UsageError
from tonewright.notes.container import Whole, check_container
from tonewright.notes.transcript import read_transcript, sidecar_names, tone_of_folder
from tonewright.process import run

EXAMPLES = Path(__file__).parents[2] / "examples"
TONES = {"snark", "dry", "sincere", "playful", "wistful", "plain"}
NOT_IN_THE_REPOSITORY = ("history", "history.toml")


@pytest.fixture(scope="module")
def build_blog() -> ModuleType:
    """examples/build_blog.py, which is a script and no package."""
    spec = importlib.util.spec_from_file_location("build_blog", EXAMPLES / "build_blog.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def blog(build_blog: ModuleType, tmp_path: Path) -> Path:
    """The whole history as a repository."""
    built: Path = build_blog.build(tmp_path / "blog")
    return built


def _front_matter(path: Path) -> dict[str, Any]:
    _, header, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    loaded: dict[str, Any] = yaml.safe_load(header)
    return loaded


def _published() -> list[Path]:
    posts = sorted((EXAMPLES / "blog" / "_posts").glob("*.md"))
    return [p for p in posts if p.name < "2026-11" and _front_matter(p).get("published") is not False]


def _git(repository: Path, *words: str) -> list[str]:
    return run(["git", *words], cwd=repository).stdout.splitlines()


def _files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.relative_to(folder).parts[0] not in (*NOT_IN_THE_REPOSITORY, ".git")
    }


def test_the_built_repository_holds_the_blog_and_nothing_else(blog: Path) -> None:
    """The last commit is the example folder byte for byte, without the history's own files, and clean."""
    assert _files(blog) == _files(EXAMPLES / "blog")
    assert _git(blog, "status", "--porcelain") == []
    assert _git(blog, "branch", "--show-current") == ["main"]


def test_building_twice_gives_the_same_commits(build_blog: ModuleType, blog: Path, tmp_path: Path) -> None:
    """Identity, dates and bytes are pinned, so that every commit id is the same on every machine."""
    again = build_blog.build(tmp_path / "again")
    assert _git(again, "rev-list", "HEAD") == _git(blog, "rev-list", "HEAD")


def test_history_can_stop_early_and_go_on(build_blog: ModuleType, blog: Path, tmp_path: Path) -> None:
    """Leaving out the last two commits and making them later ends at the same commit."""
    early = build_blog.build(tmp_path / "early", until=-2)
    assert _git(early, "rev-list", "HEAD") == _git(blog, "rev-list", "HEAD")[2:]
    build_blog.replay(early, -2, None)
    assert _git(early, "rev-parse", "HEAD") == _git(blog, "rev-parse", "HEAD")


def test_a_folder_in_use_is_left_alone(build_blog: ModuleType, tmp_path: Path) -> None:
    """Building refuses a folder that holds something, and touches nothing in it."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        build_blog.build(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_history_has_what_real_ones_have(blog: Path) -> None:
    """Thirty commits or more in the order of their dates, six revised posts, a rename and a deletion."""
    dates = _git(blog, "log", "--reverse", "--format=%aI")
    assert len(dates) >= 30
    assert dates == sorted(dates, key=datetime.fromisoformat)
    changes = _git(blog, "log", "--find-renames", "--format=", "--name-status")
    kinds = [line.split("\t")[0][0] for line in changes]
    assert kinds.count("M") >= 6
    assert (kinds.count("R"), kinds.count("D")) == (1, 1)


def test_every_history_file_is_used(build_blog: ModuleType) -> None:
    """No earlier version lies about that the replay never writes, and none is missing."""
    named = {v for c in build_blog.commits() for v in c.get("files", {}).values() if v != "self"}
    assert named == {f"history/{p.name}" for p in (EXAMPLES / "blog" / "history").iterdir()}


def test_posts_are_dated_titled_and_tagged() -> None:
    """Twenty-two posts, each with a title, tags, and the date of its file name; most with a summary."""
    posts = _published()
    assert len(posts) == 22
    for path in posts:
        header = _front_matter(path)
        assert str(header["date"])[:10] == path.name[:10]
        assert header["title"]
        assert header["tags"]
    assert sum("summary" in _front_matter(p) for p in posts) >= 14


def test_tones_are_written_in_all_three_ways() -> None:
    """Front matter, paragraph attributes and markers occur, and use only the vocabulary."""
    posts = _published()
    front = [_front_matter(p).get("tone") for p in posts]
    assert sum(tone is not None for tone in front) == 5
    assert {name for tone in front for name in tone or ()} <= TONES
    texts = [p.read_text(encoding="utf-8") for p in posts]
    assert sum('{: data-tone="' in text for text in texts) == 4
    assert sum("<wistful>" in text for text in texts) == 1


def test_some_posts_are_held_out() -> None:
    """The project's split by hash takes at least two of the posts and leaves most of them."""
    slugs = [p.stem[11:] for p in _published()]
    held_out = [s for s in slugs if int(hashlib.sha256(s.encode()).hexdigest(), 16) % 1000 < 150]
    assert 2 <= len(held_out) <= 5


def test_there_are_posts_that_must_not_be_published() -> None:
    """A draft, an unpublished post and one from the future wait for a scanner that would take them."""
    folder = EXAMPLES / "blog"
    assert list((folder / "_drafts").glob("*.md"))
    rest = sorted(set((folder / "_posts").glob("*.md")) - set(_published()))
    assert [_front_matter(p).get("published") for p in rest] == [False, None]
    assert rest[1].name.startswith("2099-")


def test_the_spoken_note_is_whole_and_has_its_words() -> None:
    """The recording is small, complete and as long as its words, and its folder names its tone."""
    (note,) = (EXAMPLES / "notes").rglob("*.m4a")
    assert note.stat().st_size < 150_000
    assert check_container(note) == Whole()
    assert tone_of_folder(note, EXAMPLES / "notes", TONES) == "wistful"
    (transcript,) = (note.with_name(name) for name in sidecar_names(note.name) if note.with_name(name).is_file())
    assert len(read_transcript(transcript).paragraphs) == 3
    pytest.importorskip("av")
    from tonewright.notes.decode import decode

    sound = decode(note)
    assert 20 < sound.seconds < 35
    assert sound.warnings == ()
