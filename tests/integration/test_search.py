"""`tonewright search`, `related` and `ask`: what is written is found with its place, and what is gone is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hooks import commits
from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tests.integration.corpus_life import Life, begin, holding
from tests.watched import Watch, note, tone_wav
from tonewright.repository import Repository
from tonewright.search.archive import context_for, open_archive
from tonewright.workspace import cache_folder

NO_BASE = '[model]\nbase = "/nowhere.gguf"\n'
KETTLE = (
    "The kettle on the towpath boiled over while the lock-keeper told me about the flood of 1998, and I burned my hand."
)
DUCHESS = "Our cat Duchess sleeps in the engine room, where nobody may wake her before the second cup of coffee."
STOVE = "A stove needs dry wood, a clean flue and more patience than the manual admits on any of its forty pages."


@pytest.fixture
def written(blog: Blog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Blog:
    """Three posts that are taken, a draft and a private one that are not; no model."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    blog.settings(QUIET + NO_BASE)
    blog.write("_config.yml", 'url: "https://ines.example"\nbaseurl: /blog\npermalink: /:year/:title/\n')
    blog.post("kettle", f"# Water\n\n## Hot\n\n{KETTLE}")
    blog.post("duchess", DUCHESS, front="permalink: /cats/duchess.html\n", date="2026-01-03")
    blog.post(
        "stove", f"{STOVE}\n\nThe kettle stands on it all winter, and the cat in front of it, which is the point."
    )
    blog.post("later", f"{KETTLE} But this is a draft.", front="draft: true\n")
    blog.post("secret", f"{KETTLE} But this is private.", front="private: true\n")
    look(blog)
    return blog


def look(blog: Blog) -> None:
    """Commit everything, scan and work it off."""
    blog.commit()
    workspace = blog.workspace()
    commits.scan(workspace, Repository(blog.root))
    drain(workspace)


def found(blog: Blog, *words: str) -> list[dict[str, str]]:
    """What a search brings, for a program."""
    done = blog.tonewright("search", "--json", *words)
    assert done.code in (0, 3), done.err
    return list(json.loads(done.out)["found"])


def test_found_with_its_place(written: Blog) -> None:
    """A passage is found by its words, with title, headings, date, line and the permalink of the site's own rule."""
    best = found(written, "kettle", "flood")[0]
    assert best["permalink"] == "https://ines.example/blog/2026/kettle/"
    assert (best["path"], best["line"], best["written"]) == ("_posts/2026-01-02-kettle.md", 9, "2026-01-02")
    assert (best["title"], best["headings"], best["text"]) == ("kettle", "Water › Hot", KETTLE)
    assert found(written, "duchess")[0]["permalink"] == "https://ines.example/blog/cats/duchess.html"


def test_misspelt(written: Blog) -> None:
    """A word that nobody wrote finds those that are spelt like it, and the author is told so."""
    assert found(written, "ketle", "flod")[0]["title"] == "kettle"
    told = written.tonewright("search", "ketle").out
    assert "hardly in your posts: ketle; also looked for kettle" in told
    assert "words of like meaning were not looked for: there is no base model at /nowhere.gguf" in told
    assert "\033" not in told


def test_only_what_is_public(written: Blog) -> None:
    """Drafts and private posts are not searched, and --coverage says why."""
    assert {hit["title"] for hit in found(written, "kettle")} == {"kettle", "stove"}
    told = written.tonewright("search", "--coverage").out
    assert "indexed: 3 posts and 0 notes, 4 passages" in told
    assert "2026-01-02-later.md   draft: true" in told
    assert "2026-01-02-secret.md  private: true" in told


def test_related(written: Blog) -> None:
    """The post that shares the most telling words comes first, and the post itself not at all."""
    told = json.loads(written.tonewright("related", "--json", "_posts/2026-01-02-stove.md").out)["related"]
    assert told[0]["title"] in ("kettle", "duchess")
    assert "stove" not in [hit["title"] for hit in told]
    assert written.tonewright("related", "_posts/nowhere.md").code == 2


def test_ask(written: Blog) -> None:
    """A question is answered by the author's own sentence and its source, or by saying that none tells."""
    told = json.loads(written.tonewright("ask", "--json", "Where does Duchess sleep?").out)
    assert [q["sentence"] for q in told["quotations"]] == [DUCHESS]
    assert told["quotations"][0]["permalink"] == "https://ines.example/blog/cats/duchess.html"
    done = written.tonewright("ask", "What did the astronaut pay for the submarine?")
    assert (done.code, done.out) == (3, "your posts do not tell; `tonewright search` shows what comes near\n")


def test_edits_and_removals_follow(written: Blog) -> None:
    """What a post says now is found, what it said is not; an un-published and a deleted post leave."""
    written.post("kettle", KETTLE.replace("flood", "comet"))
    written.post("duchess", DUCHESS, front="published: false\n", date="2026-01-03")
    (written.root / "_posts/2026-01-02-stove.md").unlink()
    look(written)
    assert found(written, "comet")[0]["title"] == "kettle"
    assert found(written, "flood") == found(written, "duchess") == found(written, "patience") == []


def test_permalinks_follow_the_site(written: Blog) -> None:
    """When the site's settings change, so do the permalinks, without an edit of any post."""
    found(written, "kettle")
    written.write("_config.yml", 'url: "https://new.example"\n')
    assert found(written, "flood")[0]["permalink"] == "https://new.example/2026/01/02/kettle.html"


@pytest.mark.parametrize("damage", [b"", b"not a database at all, but long enough to look like one" * 100])
def test_index_that_is_gone(written: Blog, damage: bytes) -> None:
    """The index may be deleted, emptied or damaged: the next search makes it anew."""
    before = found(written, "kettle")
    file = written.workspace().state / "search" / "index.db"
    file.write_bytes(damage)
    assert found(written, "kettle") == before
    file.unlink()
    assert found(written, "kettle") == before


def test_context(written: Blog) -> None:
    """Passages for a model to lean on: about the same thing, and none that the text holds already."""
    passages = context_for(written.workspace(), f"More of the kettle. {KETTLE}", 3)
    assert KETTLE not in [p.chunk.text for p in passages]
    assert any("kettle" in p.chunk.text for p in passages)


def test_kept_open(written: Blog) -> None:
    """An archive that stays open finds what was written meanwhile, and what another process has indexed."""
    with open_archive(written.workspace()) as archive:
        assert archive.search(archive.understand("walrus"), 3) == []
        written.post("walrus", KETTLE.replace("kettle", "walrus"))
        look(written)
        assert found(written, "walrus")[0]["title"] == "walrus"
        assert archive.search(archive.understand("walrus"), 3)[0].chunk.title == "walrus"


def test_forgotten(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten is in no byte of the index, neither its words nor their letters."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    life: Life = begin(blog, tmp_path / "writing")
    path = life.post("boat", "zanzibarine", "zanzibarine")
    life.post("rain", "coot")
    life.look()
    assert found(blog, "zanzibarine") and found(blog, "coot")
    folder = life.workspace.state / "search"
    assert holding("zanzibarine", folder)
    assert blog.tonewright("corpus", "forget", path, "--yes").code == 0
    assert holding("zanzibarine", life.workspace.state, cache_folder()) == []
    assert holding("zanzi", folder) == []
    assert found(blog, "zanzibarine") == []
    assert found(blog, "coot")


def test_notes(watch: Watch, blog: Blog, notes: Path) -> None:
    """What was said aloud is found as a note with its day, and a recording without words is told of as not indexed."""
    note(notes / "boat.wav", words="I think the harbour master would sooner lose the tide than lend anybody his rope.")
    tone_wav(notes / "silent.wav")
    watch.take()
    drain(watch.workspace)
    (hit,) = found(blog, "--kind", "note", "harbour", "rope")
    assert (hit["kind"], hit["path"], len(hit["written"])) == ("note", str(notes / "boat.wav"), 10)
    assert found(blog, "--kind", "post", "harbour") == []
    told = blog.tonewright("search", "--coverage").out
    assert "indexed: 0 posts and 1 notes, 1 passages" in told
    assert f"{notes / 'silent.wav'}  waits for its words" in told


@pytest.mark.model
def test_other_words(written: Blog) -> None:
    """With the small base, a word that the author never used finds one that means nearly the same."""
    written.settings(QUIET)
    written.post("boat", "We bought the boat from a physician who had never once dared to leave the harbour with it.")
    look(written)
    assert found(written, "doctor")[0]["title"] == "boat"
