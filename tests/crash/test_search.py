"""Whatever happens to posts, and whenever indexing is killed: the index holds what the corpus holds, and no more."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Blog, Tell
from tests.crash.test_forgetting import BATCH, Author, write
from tests.integration.corpus_life import holding
from tonewright.corpus.documents import text_hash
from tonewright.search.archive import open_archive
from tonewright.search.index import Index, index_file
from tonewright.search.refresh import open_index, refresh
from tonewright.workspace import Workspace, cache_folder

# Indexes, and is gone without a word when SQLite begins its n-th statement.
DIE_AFTER = """
import os, sys
from tonewright.search.index import Index, index_file
from tonewright.search.refresh import refresh
from tonewright.workspace import open_workspace
workspace, left = open_workspace(), int(sys.argv[1])
index = Index(index_file(workspace))
def count(_):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
index.db.set_trace_callback(count)
refresh(workspace, index)
"""


def agree(workspace: Workspace, scratch: Path) -> int:
    """Index and ledger hold the same passages, and the index is what a new one would be; returns how many."""
    in_ledger = set(
        workspace.ledger.read(
            """SELECT p.id, d.path, p.line, t.text FROM passages p JOIN texts t ON t.hash = p.text_hash
               JOIN documents d ON d.id = p.document WHERE d.live"""
        )
    )
    scratch.unlink(missing_ok=True)
    with open_index(workspace) as index, Index(scratch) as fresh:
        assert set(index.db.execute("SELECT id, path, line, text FROM chunks")) == in_ledger
        assert all(text_hash(text) == name for text, name in index.db.execute("SELECT text, text_hash FROM chunks"))
        refresh(workspace, fresh)
        for query in (
            "SELECT * FROM chunks ORDER BY id",
            "SELECT word, stem, chunks FROM words ORDER BY word",
        ):
            assert index.db.execute(query).fetchall() == fresh.db.execute(query).fetchall()
        # FTS5 compares its own words with those of the table that it is made of.
        index.db.execute("INSERT INTO search(search, rank) VALUES ('integrity-check', 1)")
        index.db.execute("INSERT INTO spelling(spelling) VALUES ('integrity-check')")
    return len(in_ledger)


def found(workspace: Workspace, words: list[str]) -> set[str]:
    """Those of `words` that stand in what a search for them brings."""
    with open_archive(workspace) as archive:
        return {
            word
            for word in words
            if any(word in p.chunk.text for p in archive.search(archive.understand(word), 3))
        }  # fmt: skip


def live(author: Author, steps: int, rng: random.Random) -> tuple[int, int]:
    """Do `steps` things; after every few an indexing may be killed, then all must agree.

    Returns (looks, kills).
    """
    workspace = author.life.workspace
    kills = 0
    for number in range(steps):
        author.step()
        if number % BATCH != BATCH - 1:
            continue
        author.look()
        if rng.random() < 0.3:
            kills += kill_while_indexing(author.life.blog, workspace, rng)
        agree(workspace, workspace.root.parent / "fresh.db")
        assert holding(author.gone, workspace.state, cache_folder()) == []
        present = sorted({word for words in author.texts.values() for word in words} - author.gone)
        sample = rng.sample(present, min(5, len(present)))
        assert found(workspace, sample) == set(sample)
        assert found(workspace, rng.sample(sorted(author.gone), min(5, len(author.gone)))) == set()
    return steps // BATCH, kills


def kill_while_indexing(blog: Blog, workspace: Workspace, rng: random.Random) -> int:
    """Kill an indexing from nothing somewhere in its work; how long that takes is measured first."""
    clear(workspace)
    command = [sys.executable, "-m", "tonewright", "search", "kettle"]
    begun = time.perf_counter()
    subprocess.run(command, cwd=blog.root, capture_output=True, check=False)
    whole = time.perf_counter() - begun
    clear(workspace)
    victim = subprocess.Popen(command, cwd=blog.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0.4, 0.95) * whole)
    victim.kill()
    return int(victim.wait() < 0)


def clear(workspace: Workspace) -> None:
    """Take the index away."""
    for part in index_file(workspace).parent.glob("index.db*"):
        part.unlink()


def test_thirty_steps(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index and corpus agree after every batch of adds, edits, deletes and forgets; `make proof` does 500."""
    author = write(blog, tmp_path, monkeypatch, seed=3)
    live(author, 30, random.Random(3))
    assert author.forgets > 0


def test_killed_after_a_statement(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An indexing that dies after any of its statements leaves a file from which the next one goes on."""
    author = write(blog, tmp_path, monkeypatch, seed=4)
    while len(author.texts) < 3:
        author.step()
    author.look()
    workspace = author.life.workspace
    for last in (1, 9, 30, 70, 110):
        clear(workspace)
        died = subprocess.run([sys.executable, "-c", DIE_AFTER, str(last)], cwd=blog.root, check=False)
        assert died.returncode == 9
        agree(workspace, tmp_path / "fresh.db")


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_five_hundred_steps(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    """Five hundred adds, edits, deletes and forgets, with indexings killed in between: the index is the corpus."""
    author = write(blog, tmp_path, monkeypatch, seed=11)
    looks, kills = live(author, 500, random.Random(11))
    passages = agree(author.life.workspace, tmp_path / "fresh.db")
    tell(
        f"search: 500 adds, edits, deletes and forgets ({author.forgets} forgets of {len(author.gone)} "
        f"passages), {kills} indexings killed: index = corpus at {looks} of {looks} looks, {passages} passages at "
        "the end, 0 forgotten ones in any file"
    )
    assert kills > 10
