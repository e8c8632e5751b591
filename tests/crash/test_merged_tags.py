"""Two machines tag on diverging branches: Git merges without a conflict, no tag is lost, and both say the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks.consumer import drain
from tests.conftest import QUIET, Blog, Tell
from tonewright.corpus import hand_tags, tagging
from tonewright.corpus.pointing import Spot, point
from tonewright.corpus.rows import effective_tones
from tonewright.workspace import Workspace
from watchers import tagged
from watchers.loop import scan_all
from watchers.settle import Settling

TONES = ("snark", "dry", "sincere", "playful", "wistful", "plain")
NOUNS = ("kettle", "lock", "cat", "towpath", "stove", "lamp", "rope", "winch", "bell", "duchess", "meter", "ledger")
POSTS = 8


@dataclass
class Machine:
    """A clone with a state folder of its own, and what its author has decided there."""

    blog: Blog
    state: Path
    environment: pytest.MonkeyPatch
    ids: set[str]

    @contextmanager
    def open(self) -> Iterator[Workspace]:
        """Its workspace, with everything scanned and worked off."""
        self.environment.setenv("TONEWRIGHT_STATE", str(self.state))
        workspace = self.blog.workspace()
        scan_all(workspace, Settling(0.0))
        drain(workspace)
        yield workspace
        workspace.ledger.close()

    def decide(self, rng: random.Random, number: int) -> None:
        """Random tags on passages and on words, now and then one taken back or an edit of a post; all committed, some
        by themselves and some together."""
        enough = len(self.ids) + number
        with self.open() as workspace:
            while len(self.ids) < enough:
                self._decide_once(workspace, rng)
                if rng.random() < 0.15:
                    self._edit(rng)
                if rng.random() < 0.3:
                    self.blog.commit("tags")
        self.blog.commit("the last tags")

    def _decide_once(self, workspace: Workspace, rng: random.Random) -> None:
        post = rng.choice(sorted((self.blog.root / "_posts").glob("*.md")))
        text, spots = point(workspace, str(post))
        spot = rng.choice(spots)
        if rng.random() < 0.3:
            start = rng.randrange(4)
            spot = Spot(spot.passage, (start, start + rng.randint(1, 4)))
        decisions = tagging.untagging(workspace.ledger, text, [spot], None) if rng.random() < 0.15 else []
        decisions = decisions or tagging.tagging(workspace.ledger, text, [spot], rng.choice(TONES))
        if decisions:
            _, sealed = tagging.write(workspace.ledger, tagged.folder(workspace), decisions)
            self.ids |= {d.id for d in sealed}
            tagged.scan(workspace)

    def _edit(self, rng: random.Random) -> None:
        """Change a word near the end of a passage, which no other edit touches at the same time."""
        post = rng.choice(sorted((self.blog.root / "_posts").glob(f"*-{self.blog.root.name}-*.md")))
        post.write_text(post.read_text().replace(" today", f" {rng.choice(('tonight', 'today', 'again'))}", 1))

    def tones(self) -> dict[tuple[str, str], tuple[str, str]]:
        """{(path, passage): (tone, by)} of the whole corpus."""
        with self.open() as workspace:
            found = effective_tones(workspace.ledger, 0.5)
            rows = workspace.ledger.read(
                """SELECT p.id, d.path, t.text FROM passages p JOIN documents d ON d.id = p.document AND d.live
                   JOIN texts t ON t.hash = p.text_hash"""
            )
            return {(path, text): found[passage] for passage, path, text in rows if passage in found}

    def listed(self) -> list[tuple[str, str, str]]:
        """(id, state, anchor) of every tag that nobody took back."""
        with self.open() as workspace:
            return sorted((t.decision.id, t.state, t.how) for t in hand_tags.tags(workspace.ledger))

    def kept(self) -> set[str]:
        """The ids in its working tree."""
        files = (self.blog.root / "_tones").rglob("*.jsonl")
        return {json.loads(line)["id"] for file in files for line in file.read_text().splitlines()}


def number_of(passage: str) -> str:
    """What tells a passage of these tests from every other, however it is edited."""
    return passage.split()[1]


def expected(machine: Machine) -> dict[str, str]:
    """{number of a passage: the tone that tags of the whole of it say}, worked out from the lines alone."""
    files = (machine.blog.root / "_tones").rglob("*.jsonl")
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    gone = {name for line in lines for name in line.get("removes", [])}
    stand = [line for line in lines if line.get("whole") and line["id"] not in gone]
    return {number_of(line["quote"]): line["tone"] for line in sorted(stand, key=lambda line: (line["at"], line["id"]))}


def run(blog: Blog, tmp_path: Path, environment: pytest.MonkeyPatch, tags: int, seed: int) -> dict[str, int]:
    """Four rounds of tagging apart and merging, each in another way; returns what was counted."""
    rng = random.Random(seed)
    blog.settings(QUIET)
    for number in range(POSTS):
        owner = ("blog", "other")[number % 2]
        body = "\n\n".join(
            f"Passage {number}.{part} says that the {one} and the {two} on the {three} are quite well today."
            for part, (one, two, three) in enumerate(rng.sample(NOUNS, 3) for _ in range(4))
        )
        blog.post(f"{owner}-{number}", body, front="tone: plain\n" if number % 3 else "")
    blog.commit("begin")
    blog.git("clone", "-q", str(blog.root), str(tmp_path / "other"))
    blog.git("remote", "add", "other", str(tmp_path / "other"))
    one = Machine(blog, tmp_path / "one", environment, set())
    two = Machine(Blog(tmp_path / "other"), tmp_path / "two", environment, set())
    conflicts = 0
    for words in (
        ("merge", "--no-edit"),
        ("rebase",),
        ("merge", "--no-edit", "-X", "ours"),
        ("merge", "--no-ff", "--no-edit"),
    ):
        for machine in (one, two):
            machine.decide(rng, tags // 8)
        one.blog.git("fetch", "-q", "other")
        two.blog.git("fetch", "-q", "origin")
        for machine, theirs in ((one, "other/main"), (two, "origin/main")):
            machine.blog.git(*words, theirs, check=False)  # both ways, from where each stood
            conflicts += "UU" in machine.blog.git("status", "--porcelain") or machine.blog.git("ls-files", "-u") != ""
    third = Machine(Blog(tmp_path / "third"), tmp_path / "three", environment, set())
    blog.git("clone", "-q", str(tmp_path / "other"), str(third.blog.root))
    machines, decided = (one, two, third), one.ids | two.ids
    tones = [machine.tones() for machine in machines]
    told = expected(one)
    said = {number_of(text): tone for (_, text), (tone, _) in tones[0].items()}
    return {
        "tags": len(decided),
        "conflicts": conflicts,
        "lost": sum(len(decided - machine.kept()) for machine in machines),
        "differing": sum(found != tones[0] for found in tones) + sum(m.listed() != one.listed() for m in machines),
        "wrong": sum(said.get(number) != tone for number, tone in told.items()),
        "checked": len(told),
    }


def test_a_few_tags_merge(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some twenty tags on two machines, merged and rebased four times; `make proof` does two hundred."""
    counts = run(blog, tmp_path, monkeypatch, 24, 1)
    assert counts["tags"] == 24
    assert counts["checked"] > 0
    assert (counts["conflicts"], counts["lost"], counts["differing"], counts["wrong"]) == (0, 0, 0, 0)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_two_hundred_tags_merge(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    """Two hundred tags, half of them on the same passages: no conflict, none lost, one opinion on three machines."""
    counts = run(blog, tmp_path, monkeypatch, 200, 2)
    tell(f"tags of two machines merged and rebased four times, and a fresh clone: {counts}")
    assert counts["tags"] == 200
    assert counts["checked"] > 20
    assert (counts["conflicts"], counts["lost"], counts["differing"], counts["wrong"]) == (0, 0, 0, 0)


def test_one_file_for_all_would_conflict(blog: Blog) -> None:
    """The harness can tell: two branches that append to one file, as a plain log would, leave Git with a conflict."""
    file = blog.write("_tones/all.jsonl", "{}\n")
    blog.commit()
    for branch in ("one", "two"):
        blog.git("checkout", "-q", "-b", branch, "main")
        file.write_text(f'{{}}\n{{"id": "{branch}"}}\n')
        blog.commit()
    blog.git("merge", "--no-edit", "one", check=False)
    assert blog.git("ls-files", "-u") != ""
