"""What an author wants forgotten is nowhere, stays nowhere, and models that saw it say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tests.integration.corpus_life import Life, begin, holding, passage
from tests.watched import tone_wav
from tonewright.corpus.erase import erase
from tonewright.corpus.forget import take_out
from tonewright.corpus.target import find
from tonewright.corpus.verify import verify
from tonewright.workspace import cache_folder
from watchers.loop import scan_all
from watchers.settle import Settling


@pytest.fixture
def life(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Two posts and two files, taken."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    life = begin(blog, tmp_path / "writing")
    life.post("boat", "heron", "otter", summary="About the grebe and its many ducklings.")
    life.post("rain", "coot")
    life.note("lamp", "bittern", "swallow")
    life.look()
    return life


def places(life: Life) -> tuple[Path, Path]:
    """Everywhere that tonewright writes."""
    return life.workspace.state, cache_folder()


def sound(life: Life) -> None:
    """`corpus verify` has nothing to say."""
    assert verify(life.workspace).faults == []


def test_a_post_leaves_everything(life: Life) -> None:
    """After `forget` its words are in no file that tonewright keeps, others are; a model that saw it is stale."""
    life.train("run-1")
    vectors = life.remember_vectors()
    before = vectors.stat().st_size and holding("heron", *places(life))
    assert len(before) >= 5  # ledger, snapshot and its copy, reports, export
    done = life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md", "--yes")
    assert (done.code, done.err) == (0, "")
    assert "Git's history still holds it" in done.out
    assert "stale, because they saw it: model 1" in done.out
    for word in ("heron", "otter", "grebe"):
        assert holding(word, *places(life)) == []
    assert holding("coot", *places(life)) != []
    sound(life)
    listed = json.loads(life.blog.tonewright("model", "list", "--json").out)["models"][0]
    assert "_posts/2026-01-02-boat.md, which was forgotten" in listed["stale"]
    retrains = life.workspace.ledger.read("SELECT payload FROM events WHERE kind = 'retrain' AND state = 'pending'")
    assert len(retrains) == 1


def test_tags_that_quote_it_are_named_and_not_read_again(life: Life) -> None:
    """The author's own tag files hold the words: they are named, and the ledger stays without them."""
    assert life.blog.tonewright("tag", "_posts/2026-01-02-boat.md", "dry").code == 0
    assert holding("heron", *places(life)) != []
    done = life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md", "--yes")
    (file,) = life.blog.root.glob("_tones/*/*.jsonl")
    assert f"{file.relative_to(life.blog.root)} quotes words of it: `git rm` it" in done.out
    file.touch()
    life.look()
    assert holding("heron", *places(life)) == []
    sound(life)


def test_it_does_not_come_back(life: Life) -> None:
    """Neither a rescan nor a copy under another name brings the text back; a later edit brings only what is new."""
    post, file = "_posts/2026-01-02-boat.md", life.folder / "lamp.md"
    for what in (post, str(file)):
        assert life.blog.tonewright("corpus", "forget", what, "--yes").code == 0
    life.blog.write("_posts/2026-01-03-copy.md", (life.blog.root / post).read_bytes())
    file.with_name("copy.md").write_bytes(file.read_bytes())
    file.touch()
    life.blog.commit("a copy")
    life.look()
    life.blog.post("boat", passage("heron", 0) + "\n\n" + passage("pelican", 7))
    file.write_text(file.read_text() + "\n" + passage("wagtail", 8) + "\n")
    life.blog.commit("an edit")
    life.look()
    for word in ("heron", "otter", "bittern", "swallow"):
        assert holding(word, *places(life)) == []
    live = life.workspace.ledger.read("SELECT t.text FROM texts t JOIN passages p ON p.text_hash = t.hash")
    assert {passage("pelican", 7), passage("wagtail", 8)} <= {text for (text,) in live}
    sound(life)


def test_a_commit_takes_what_it_brought(life: Life) -> None:
    """The passage that the commit added goes, and the one that stood there before stays."""
    life.blog.post("rain", passage("coot", 0) + "\n\n" + passage("puffin", 4))
    commit = life.blog.commit("too much")
    life.look()
    assert life.blog.tonewright("corpus", "forget", commit[:9], "--yes").code == 0
    assert holding("puffin", *places(life)) == []
    texts = {text for (text,) in life.workspace.ledger.read("SELECT text FROM texts")}
    assert passage("coot", 0) in texts
    sound(life)


def test_a_killed_forget_goes_on(life: Life) -> None:
    """When only the ledger's part was done, the same command does the rest, and queues no second retrain."""
    life.train("run-1")
    take_out(life.workspace, find(life.workspace, "_posts/2026-01-02-boat.md"))
    assert holding("heron", *places(life)) != []
    assert any("still holds" in fault for fault in verify(life.workspace).faults)
    for _ in range(2):
        assert life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md", "--yes").code == 0
    assert holding("heron", *places(life)) == []
    assert life.workspace.ledger.read("SELECT count(*) FROM events WHERE kind = 'retrain'") == [(1,)]
    sound(life)


def test_it_asks_first(life: Life) -> None:
    """Without --yes and a terminal nothing happens (2); --dry-run counts and changes nothing; nonsense is refused."""
    assert life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md").code == 2
    told = life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md", "--dry-run", "--json")
    assert json.loads(told.out)["texts"] >= 3
    assert life.blog.tonewright("corpus", "forget", "no-such-post.md", "--yes").code == 2
    assert holding("heron", *places(life)) != []


def test_a_run_under_way_is_stopped(life: Life) -> None:
    """A retrain whose snapshot holds the text ends, and a clean one takes its place."""
    life.train("run-1")
    with life.workspace.ledger.transaction() as tx:
        tx.execute("DELETE FROM aliases")
        tx.execute("DELETE FROM models")
        tx.execute("UPDATE events SET kind = 'retrain', state = 'pending' WHERE id = 1")
        tx.execute("UPDATE runs SET step = 'poll'")
    outcome = take_out(life.workspace, find(life.workspace, str(life.folder / "lamp.md")))
    erase(life.workspace, outcome.runs)
    assert (outcome.stopped, len(outcome.retrain)) == (["run-1"], 1)
    assert life.workspace.ledger.read("SELECT state FROM events WHERE id = 1") == [("superseded",)]
    sound(life)


def test_a_model_that_saw_a_deleted_post_is_stale_until_it_returns(life: Life) -> None:
    """Deleting a post marks the model without a retrain; renaming marks nothing; bringing it back takes it away."""

    def why() -> str:
        return str(json.loads(life.blog.tonewright("model", "list", "--json").out)["models"][0]["stale"])

    life.train("run-1")
    assert why() == ""
    life.blog.git("mv", "_posts/2026-01-02-boat.md", "_posts/2026-01-02-ship.md")
    life.blog.commit("another name")
    life.look()
    assert why() == ""
    life.blog.git("rm", "-q", "_posts/2026-01-02-ship.md")
    life.blog.commit("no more")
    life.look()
    assert why() == "it saw _posts/2026-01-02-boat.md, which left the corpus"
    assert life.workspace.ledger.read("SELECT 1 FROM events WHERE kind = 'retrain'") == []
    life.blog.git("revert", "--no-edit", "HEAD")
    life.look()
    assert why() == ""


def test_a_note_goes_with_its_recording(blog: Blog, tmp_path: Path) -> None:
    """Named by its words: both copies and all that was heard go, both files stay, and a rename brings nothing back."""
    notes = tmp_path / "notes"
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\nsettle_seconds = 0.0\n')
    tone_wav(notes / "dry" / "boat.wav")
    (notes / "dry" / "boat.txt").write_text(passage("heron", 3))
    life = Life(blog, notes, blog.workspace())
    scan_all(life.workspace, Settling(0.0))
    drain(life.workspace)
    store = life.workspace.state / "store"
    assert len([file for file in store.iterdir() if file.name != "lock"]) == 2
    sound(life)
    done = blog.tonewright("corpus", "forget", str(notes / "dry" / "boat.txt"), "--yes", "--json")
    assert (done.code, json.loads(done.out)["passages"]) == (0, 1)
    (notes / "dry" / "boat.wav").rename(notes / "ship.wav")
    (notes / "dry" / "boat.txt").rename(notes / "ship.txt")
    scan_all(life.workspace, Settling(0.0))
    drain(life.workspace)
    assert [file.name for file in store.iterdir()] == ["lock"]
    assert holding("heron", life.workspace.state) == []
    assert (notes / "ship.txt").read_text() == passage("heron", 3)
    sound(life)
