"""Random lives of a repository: what was pushed and what was written is seen, once, whatever Git was asked to do."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from hooks import commits, pushes
from tasks.consumer import drain
from tests.conftest import AUTHOR, QUIET, Blog, Tell
from tests.crash.git_life import Life, readable
from tonewright.repository import Repository

State = dict[str, str]  # {path: blob}


class Truth:
    """What Git itself says, written down at every scan."""

    def __init__(self, blog: Blog) -> None:
        self.blog = blog
        self.author: dict[str, str] = {}  # of each blob: whoever wrote it first
        self.met: set[tuple[str, str]] = set()
        self.state: State = {}
        self.returns: Counter[tuple[str, str]] = Counter()  # (path, blob), or (path, "") for a removal

    def look(self) -> None:
        """Take down what `main` holds and how it came to hold it."""
        before = set(self.met)
        shown = self.blog.git(
            *("log", "--reverse", "--topo-order", "--diff-merges=first-parent", "--raw", "--no-abbrev"),
            *("--no-renames", "--format=%ae", "main"),
        )
        author = ""
        for line in shown.splitlines():
            if not line.startswith(":"):
                author = line or author
                continue
            _, _, _, blob, change = line.partition("\t")[0].split()
            path = line.partition("\t")[2]
            if change != "D" and path.startswith("_posts/"):
                self.author.setdefault(blob, author)
                self.met.add((path, blob))
        listed = (line.split() for line in self.blog.git("ls-tree", "-r", "main", "_posts").splitlines())
        now = {path: blob for _, _, blob, path in listed}
        for path, blob in now.items():
            if self.state.get(path) != blob and (path, blob) in before:
                self.returns[path, blob] += 1
        for path in self.state.keys() - now.keys():
            self.returns[path, ""] += 1
        self.state = now

    def corpus(self) -> dict[str, list[str]]:
        """{path: paragraphs} of what readers may see and the author wrote."""
        mine = {path: blob for path, blob in self.state.items() if self.author[blob] == AUTHOR}
        found = {path: readable(self.blog.git("cat-file", "blob", blob)) for path, blob in mine.items()}
        return {path: paragraphs for path, paragraphs in found.items() if paragraphs}


class Watch:
    """The scans under test, and what they have to show for it."""

    def __init__(self, blog: Blog) -> None:
        self.workspace = blog.workspace()
        self.root = blog.root

    def scan(self) -> None:
        commits.scan(self.workspace, Repository(self.root))
        pushes.scan(self.workspace, Repository(self.root))

    def pushes(self) -> Counter[tuple[str, str]]:
        """{(branch, commit): how many push events}."""
        payloads = [
            json.loads(p) for (p,) in self.workspace.ledger.read("SELECT payload FROM events WHERE kind = 'push'")
        ]
        return Counter((p["ref"].removeprefix("refs/remotes/origin/"), p["commit"]) for p in payloads)

    def corpus(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, text in self.workspace.ledger.read(
            """SELECT d.path, t.text FROM documents d JOIN passages p ON p.document = d.id
               JOIN texts t ON t.hash = p.text_hash WHERE d.live ORDER BY d.path, p.span_start"""
        ):
            found.setdefault(path, []).append(text)
        return found

    def posts(self) -> tuple[set[str], Counter[tuple[str, str]]]:
        """The keys of all post events, and {(path, blob or "" for a removal): how many of them}."""
        rows = self.workspace.ledger.read("SELECT key, source, payload FROM events WHERE kind = 'post'")
        return {key for key, _, _ in rows}, Counter((path, json.loads(p)["version"]) for _, path, p in rows)


def compare_pushes(life: Life, watch: Watch) -> tuple[int, int, int]:
    """(arrived, missed, false). A push to an address may be seen later, when a push by name finds nothing to do."""
    arrived = life.arrivals()
    named = Counter((branch, oid) for who, branch, oid in arrived if who == "mine")
    address = Counter((branch, oid) for who, branch, oid in arrived if who == "url")
    seen = watch.pushes()
    return named.total(), (named - seen).total(), (seen - named - address).total()


def compare_versions(truth: Truth, watch: Watch) -> tuple[int, int, int]:
    """(versions by the author, missed, announced too often)."""
    keys, events = watch.posts()
    mine = {(path, blob) for path, blob in truth.met if truth.author[blob] == AUTHOR}
    rows = watch.workspace.ledger.read("SELECT path, blob, count(*) FROM versions WHERE blob != '' GROUP BY path, blob")
    stored = {(path, blob): number for path, blob, number in rows}
    missed = sum(_key(path, blob) not in keys or (path, blob) not in stored for path, blob in mine)
    wanted = Counter(dict.fromkeys(mine, 1)) + truth.returns
    twice = (events - wanted).total() + sum(number > 1 for number in stored.values()) + len(stored.keys() - truth.met)
    return len(mine), missed, twice


def _key(path: str, blob: str) -> str:
    """The key of the one event that announces a version."""
    return hashlib.sha256(json.dumps(["post", path, blob]).encode()).hexdigest()


def live_through(blog: Blog, folder: Path, operations: int, seed: int) -> tuple[tuple[int, int, int], ...]:
    """`operations` random operations with a look now and then, where the ledger is compared with the truth."""
    blog.settings(QUIET)
    life = Life(blog, folder, seed)
    truth, watch, rng = Truth(blog), Watch(blog), random.Random(-seed)
    done: list[str] = []

    def look(thoroughly: bool) -> None:
        watch.scan()
        truth.look()
        story = f"seed {seed}, after {len(done)} operations, the last of them {done[-8:]}"
        assert compare_pushes(life, watch)[1:] == (0, 0), story
        if thoroughly:
            drain(watch.workspace)
            assert compare_versions(truth, watch)[1:] == (0, 0), story
            assert watch.corpus() == truth.corpus(), story

    while len(done) < operations:
        doing = life.choose()
        # A reflog goes with its branch: a push is only seen if somebody looks before that.
        if doing in (life.delete_a_branch, life.fetch) or rng.random() < 0.5:
            look(thoroughly=rng.random() < 0.5)
        doing()
        done.append(getattr(doing, "__name__", ""))
    look(thoroughly=True)
    return compare_pushes(life, watch), compare_versions(truth, watch)


def test_sixty_random_operations(blog: Blog, tmp_path: Path) -> None:
    """Nothing is missed and nothing is seen twice; `make proof` goes on to five hundred."""
    pushed, versions = live_through(blog, tmp_path, operations=60, seed=1)
    assert pushed[0] > 3
    assert versions[0] > 20


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_five_hundred_random_operations(blog: Blog, tmp_path: Path, tell: Tell) -> None:
    """The remote's own log and Git's own history agree with the ledger to the last push and the last version."""
    pushed, versions = live_through(blog, tmp_path, operations=500, seed=2)
    tell(
        f"500 random Git operations, {pushed[0]} pushes, {pushed[1]} missed, {pushed[2]} false; "
        f"{versions[0]} versions, {versions[1]} missed, {versions[2]} twice"
    )
    assert pushed[0] > 40
    assert versions[0] > 150
