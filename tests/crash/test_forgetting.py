"""Whatever is written, edited, deleted and forgotten in whatever order: the corpus agrees, and what is gone is gone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import Blog, Tell
from tests.integration.corpus_life import Life, begin, holding, passage
from tonewright.corpus.erase import erase
from tonewright.corpus.forget import take_out
from tonewright.corpus.target import find
from tonewright.corpus.verify import verify
from tonewright.workspace import cache_folder

BATCH = 5  # steps between two looks


@dataclass
class Author:
    """Writes in both places, and remembers which words must be nowhere. `texts` maps a path to its canaries."""

    life: Life
    rng: random.Random
    texts: dict[Path, list[str]] = field(default_factory=dict)
    taken: dict[Path, set[str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    number: int = 0
    forgets: int = 0

    def step(self) -> None:
        """One thing that an author does."""
        does = self.rng.choices([self._add, self._edit, self._copy, self._delete, self._forget], [4, 3, 1, 1, 2])[0]
        does()

    def _word(self) -> str:
        self.number += 1
        return f"canary{self.number}x"

    def _write(self, file: Path, words: list[str]) -> None:
        file.parent.mkdir(exist_ok=True)
        body = "\n\n".join(passage(word, int(word[6:-1])) for word in words)
        file.write_text(f"---\ntitle: {file.stem}\nsummary: What {file.stem} says in short.\n---\n\n{body}\n")
        self.texts[file] = words

    def _any(self) -> Path | None:
        return self.rng.choice(sorted(self.texts)) if self.texts else None

    def _add(self) -> None:
        folder = self.rng.choice([self.life.blog.root / "_posts", self.life.folder])
        self._write(folder / f"post-{self.number}.md", [self._word() for _ in range(self.rng.randint(1, 4))])

    def _edit(self) -> None:
        if file := self._any():
            words = [w for w in self.texts[file] if self.rng.random() < 0.7]
            self._write(file, [*words, self._word()])

    def _copy(self) -> None:
        """A passage of one post is quoted in another, in either place."""
        if (file := self._any()) and (other := self._any()):
            self._write(other, list(dict.fromkeys([*self.texts[other], self.texts[file][-1]])))

    def _delete(self) -> None:
        if file := self._any():
            file.unlink()
            del self.texts[file]

    def _forget(self) -> None:
        """Of a post that may have been edited or deleted since it was last looked at."""
        if not self.taken:
            return
        file = self.rng.choice(sorted(self.taken))
        workspace = self.life.workspace
        outcome = take_out(workspace, find(workspace, str(file)))
        erase(workspace, outcome.runs)
        self.gone |= self.taken.pop(file)
        self.forgets += 1

    def look(self) -> None:
        """Commit, scan, work off: what is in the posts now has been taken."""
        self.life.blog.git("add", "-A")
        self.life.blog.git("commit", "-q", "--allow-empty", "-m", "so far")
        self.life.look()
        for file, words in self.texts.items():
            self.taken.setdefault(file, set()).update(words)


def live(author: Author, steps: int) -> int:
    """Do `steps` things, looking after every few; returns how many words were forgotten."""
    for number in range(steps):
        author.step()
        if number % BATCH == BATCH - 1:
            author.look()
            if number % (4 * BATCH) == BATCH - 1:
                author.life.train(f"run-{number}")
            found = verify(author.life.workspace)
            assert found.faults == []
            assert holding(author.gone, author.life.workspace.state, cache_folder()) == []
    return len(author.gone)


def write(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> Author:
    """An author with an empty blog and an empty folder."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    return Author(begin(blog, tmp_path / "writing"), random.Random(seed))


def test_twenty_steps(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledger, exports and posts agree after every batch, and nothing forgotten is left; `make proof` does 300."""
    author = write(blog, tmp_path, monkeypatch, seed=5)
    assert live(author, 20) > 0


def test_killed_whenever_it_may_be(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`forget` is killed at ten moments, from before its first step to after its last; the next one ends the work."""
    life = write(blog, tmp_path, monkeypatch, seed=1).life
    path = life.post("boat", *(f"canary{n}x" for n in range(4)), summary="Of canary and others.")
    life.post("rain", "coot")
    life.look()
    life.train("run-1")
    words = [sys.executable, "-m", "tonewright", "corpus", "forget", path, "--yes"]
    for moment in range(10):
        victim = subprocess.Popen(words, cwd=blog.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.1 + moment * 0.03)
        victim.kill()
        victim.wait()
        assert [f for f in verify(life.workspace).faults if "still" not in f] == []
    assert blog.tonewright(*words[3:]).code == 0
    assert verify(life.workspace).faults == []
    assert holding("canary", life.workspace.state, cache_folder()) == []
    assert life.workspace.ledger.read("SELECT count(*) FROM events WHERE kind = 'retrain'") == [(1,)]


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_three_hundred_steps(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    """Three hundred things that authors do leave no disagreement and no forgotten byte."""
    author = write(blog, tmp_path, monkeypatch, seed=7)
    words = live(author, 300)
    tell(
        f"forgetting: 300 adds, edits, deletes and forgets, {author.forgets} of them forgets of {words} "
        "passages: 0 faults, 0 forgotten passages in any file"
    )
    assert author.forgets > 20
