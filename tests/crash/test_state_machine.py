"""Whatever a writer does with posts, commits and branches: the live corpus is what readers may see now."""

from __future__ import annotations

import dataclasses
import itertools
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tasks.consumer import drain
from tests.conftest import QUIET, Blog, Tell
from tests.crash.git_life import HIDDEN, prose, readable, toggled
from tonewright.errors import TonewrightError
from tonewright.workspace import Workspace, open_workspace
from watchers.loop import scan_all
from watchers.settle import Settling

STEPS = 15
WHICH = st.integers(0, 5)  # of the posts that there are, counted round


class Writing(RuleBasedStateMachine):
    """A repository and a plain folder, tonewright beside them, and an author with a mind of her own."""

    def __init__(self, template: Path, place: Path) -> None:
        super().__init__()
        self.place = place
        shutil.copytree(template, place)
        self.blog, self.folder = Blog(place / "blog"), place / "writing"
        self.blog.settings(QUIET.replace("[blog]", f'[blog]\nfolders = ["{self.folder}"]'))
        self.number = 0
        self.workspace = self._open()

    def _open(self) -> Workspace:
        return dataclasses.replace(open_workspace(self.blog.root), state=self.place / "state")

    def teardown(self) -> None:
        """However a run ends, it must end well."""
        try:
            self.settle()
        finally:
            self.workspace.ledger.close()
        shutil.rmtree(self.place)

    def _posts(self) -> list[Path]:
        return sorted([*self.blog.root.glob("_posts/*.md"), *self.folder.glob("*.md")])

    def _post(self, which: int) -> Path | None:
        posts = self._posts()
        return posts[which % len(posts)] if posts else None

    def _text(self) -> str:
        self.number += 1
        return f"---\ntitle: Number {self.number}\n---\n\n{prose(random.Random(self.number), self.number)}"

    def _commit(self, really: bool = True) -> None:
        if not really:
            return
        self.blog.git("add", "-A", "_posts")
        self.blog.git("commit", "-q", "--allow-empty", "-m", f"number {self.number}")

    @rule(in_git=st.booleans(), commit=st.booleans())
    def write(self, in_git: bool, commit: bool) -> None:
        text = self._text()
        place = self.blog.root / "_posts" if in_git else self.folder
        (place / f"post-{self.number}.md").write_text(text)
        self._commit(commit)

    @rule(which=WHICH, commit=st.booleans())
    def edit(self, which: int, commit: bool) -> None:
        if post := self._post(which):
            post.write_text(self._text())
        self._commit(commit)

    @rule(which=WHICH, other=WHICH)
    def copy(self, which: int, other: int) -> None:
        """One post says what another says; an older text comes back under another name."""
        if post := self._post(which):
            post.write_text((self._post(other) or post).read_text())

    @rule(back=st.integers(0, 3))
    def bring_back(self, back: int) -> None:
        """All posts of a commit say again what they said then, as after a revert."""
        self.blog.git("checkout", "-q", f"HEAD~{back}", "--", "_posts", check=False)
        self._commit()

    @rule(which=WHICH)
    def rename(self, which: int) -> None:
        if post := self._post(which):
            self.number += 1
            post.rename(post.with_name(f"renamed-{self.number}.md"))

    @rule(which=WHICH, how=st.sampled_from(HIDDEN), commit=st.booleans())
    def hide_or_show(self, which: int, how: str, commit: bool) -> None:
        if post := self._post(which):
            post.write_text(toggled(post.read_text(), how))
        self._commit(commit)

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        if post := self._post(which):
            post.unlink()

    @rule()
    def commit(self) -> None:
        self._commit()

    @rule()
    def amend(self) -> None:
        self.blog.git("add", "-A", "_posts")
        self.blog.git("commit", "-q", "--amend", "--allow-empty", "-m", "better")

    @rule(back=st.integers(1, 3), hard=st.booleans())
    def reset(self, back: int, hard: bool) -> None:
        self.blog.git("reset", "-q", "--hard" if hard else "--mixed", f"HEAD~{back}", check=False)

    @rule(back=st.integers(0, 2), how=st.sampled_from(["merge", "rebase", "cherry-pick"]), new=st.booleans(), one=WHICH)
    def side_branch(self, back: int, how: str, new: bool, one: int) -> None:
        """Work on a branch that left `main` some commits ago comes home, or meets a conflict and does not."""
        self._commit()
        self.blog.git("branch", "-f", "side")
        self.blog.git("branch", "-f", "side", f"HEAD~{back}", check=False)
        self.blog.git("checkout", "-q", "side")
        if new:
            self.write(in_git=True, commit=True)
        else:
            self.edit(one, commit=True)
        self.blog.git("checkout", "-q", "main")
        self.blog.git(how, *(["--no-edit"] if how == "merge" else []), "side", check=False)
        self.blog.git(how, "--abort", check=False)

    @rule()
    def scan(self) -> None:
        """Without a drain: events of several scans wait together."""

        def problem(error: TonewrightError) -> None:
            raise error

        scan_all(self.workspace, Settling(0.0), on_problem=problem)

    @rule()
    def drain(self) -> None:
        """Without a scan: events may be older than what they speak of."""
        drain(self.workspace)

    @rule()
    def restart(self) -> None:
        self.workspace.ledger.close()
        self.workspace = self._open()

    @rule()
    def settle(self) -> None:
        """The invariant."""
        self.scan()
        self.drain()
        assert self._corpus() == self._eligible()

    def _corpus(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, text in self.workspace.ledger.read(
            """SELECT d.path, t.text FROM documents d JOIN passages p ON p.document = d.id
               JOIN texts t ON t.hash = p.text_hash WHERE d.live ORDER BY d.path, p.span_start"""
        ):
            found.setdefault(path, []).append(text)
        return found

    def _eligible(self) -> dict[str, list[str]]:
        """What `main` and the folder hold, read without any of the product's parts."""
        texts = {str(file): file.read_text() for file in self.folder.glob("*.md")}
        for path in self.blog.git("ls-tree", "-r", "--name-only", "main", "_posts").split():
            if path.endswith(".md"):
                texts[path] = self.blog.git("cat-file", "blob", f"main:{path}")
        found = {path: readable(text) for path, text in texts.items()}
        return {path: paragraphs for path, paragraphs in found.items() if paragraphs}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A repository with one commit, and an empty folder."""
    place = tmp_path / "template"
    (place / "blog").mkdir(parents=True)
    (place / "writing").mkdir()
    blog = Blog(place / "blog")
    blog.git("init", "-q")
    blog.write("_posts/.keep", "")
    blog.git("add", "-A")
    blog.git("commit", "-q", "-m", "begin")
    return place


def explore(template: Path, runs: int) -> int:
    """`runs` random lives of up to `STEPS` steps each; returns how many were begun."""
    numbers = itertools.count()
    run_state_machine_as_test(
        lambda: Writing(template, template.with_name(f"run-{next(numbers)}")),
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return next(numbers)


def test_ten_lives(template: Path) -> None:
    """After a scan and a drain the corpus is what may be read; `make proof` lives three hundred lives."""
    assert explore(template, 10) >= 10


def test_a_version_that_came_and_went_between_two_looks(template: Path) -> None:
    """An edit that is taken back before it was seen does not push aside the text that still waits to be taken."""
    writing = Writing(template, template.with_name("run"))
    writing.write(in_git=True, commit=True)
    writing.scan()
    writing.edit(0, commit=True)
    writing.bring_back(1)
    writing.teardown()


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_three_hundred_lives(template: Path, tell: Tell) -> None:
    """No order of writing, hiding, committing, rewriting history, scanning and restarting leaves another corpus."""
    runs = explore(template, 300)
    tell(f"state machine: {runs} runs of up to {STEPS} steps, 0 differences between corpus and posts")
