"""Whatever state our side is in, Git ends and speaks as it does in a twin repository without our hooks."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Blog, Tell

GIT = shutil.which("git") or "git"
PICKS = 10  # commits that one rebase moves


@dataclass
class Twins:
    """Two repositories that are alike but for our hooks, and what was seen of them."""

    place: Path
    stack: ExitStack
    ours: Path = field(init=False)
    twin: Path = field(init=False)
    env: dict[str, str] = field(default_factory=dict)
    commits: int = 0
    changed: list[str] = field(default_factory=list)
    stand_in: str = ""

    def __post_init__(self) -> None:
        self.ours, self.twin = self.place / "ours", self.place / "twin"
        self.env = {"TONEWRIGHT_STATE": str(self.place / "state")}
        for root in (self.ours, self.twin):
            root.mkdir(parents=True)
            self.one(root, "init", "-q")
            (root / ".git/info/exclude").write_text("tonewright.toml\n.githooks\n")
        self.both("commit", "--allow-empty", "-m", "first")

    @property
    def spool(self) -> Path:
        return self.place / "state" / "spool"

    def one(self, root: Path, *args: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr) of one git command, at a moment that depends on nothing but the count."""
        moment = f"{1_700_000_000 + self.commits} +0000"
        env = {**os.environ, "GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment, **self.env}
        done = subprocess.run(
            [GIT, *args], cwd=root, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        return done.returncode, *(text.replace(str(root), "ROOT") for text in (done.stdout, done.stderr))

    def both(self, *args: str, commits: int = 1) -> None:
        """The same command on both sides; a difference in exit code or words is a change."""
        self.commits += commits
        ours, twin = self.one(self.ours, *args), self.one(self.twin, *args)
        assert twin[0] == 0, twin
        if ours != twin:
            self.changed.append(f"git {' '.join(args)}: {ours} instead of {twin}")

    def set_up(self) -> None:
        """`tonewright init` on our side."""
        done = Blog(self.ours).tonewright("init", env=self.env)
        assert done.code == 0, done.err

    def mount(self, options: str, otherwise: Callable[[], None], name: str) -> None:
        """A tmpfs in the place of the spool; where mounting is not permitted, `otherwise`, which fails for root too."""
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.spool)]
        if shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            self.stack.callback(subprocess.run, ["umount", "-l", str(self.spool)], check=True)
        else:
            otherwise()
            self.stand_in = name

    def to_itself(self) -> None:
        """A link that leads to itself, so that nothing can be opened there."""
        shutil.rmtree(self.spool)
        self.spool.symlink_to(self.spool)


def commit(twins: Twins, count: int) -> None:
    for n in range(count):
        twins.both("commit", "--allow-empty", "-m", f"commit {n}")


def spool_gone(twins: Twins, count: int) -> None:
    twins.set_up()
    shutil.rmtree(twins.spool)
    commit(twins, count)


def spool_read_only(twins: Twins, count: int) -> None:
    def a_file() -> None:
        twins.spool.rmdir()
        twins.spool.write_text("")

    twins.set_up()
    twins.mount("ro", a_file, "the spool is a file")
    commit(twins, count)


def disk_full(twins: Twins, count: int) -> None:
    twins.set_up()
    twins.mount("size=1m", twins.to_itself, "the spool leads to itself")
    if not twins.stand_in:
        with pytest.raises(OSError, match="No space left"), (twins.spool / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
    commit(twins, count)


def no_inodes(twins: Twins, count: int) -> None:
    twins.set_up()
    twins.mount("nr_inodes=1", twins.to_itself, "the spool leads to itself")
    with pytest.raises(OSError, match=r"No space left|Too many levels"):
        (twins.spool / "git").touch()
    commit(twins, count)


def no_path(twins: Twins, count: int) -> None:
    twins.set_up()
    twins.env["PATH"] = ""
    commit(twins, count)


def environment_deleted(twins: Twins, count: int) -> None:
    place = twins.place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    paths = os.pathsep.join([str(REPOSITORY), sysconfig.get_path("purelib")])
    env = {**os.environ, **twins.env, "PYTHONPATH": paths}
    command = [place / "bin/python", "-m", "tonewright", "init"]
    subprocess.run(command, cwd=twins.ours, env=env, check=True, capture_output=True)
    shutil.rmtree(place)
    commit(twins, count)


def ledger_locked(twins: Twins, count: int) -> None:
    twins.set_up()
    assert Blog(twins.ours).tonewright("scan", env=twins.env).code == 0
    db = twins.stack.enter_context(closing(sqlite3.connect(twins.place / "state/ledger.db", isolation_level=None)))
    db.execute("BEGIN EXCLUSIVE")
    commit(twins, count)


def linked_worktree(twins: Twins, count: int) -> None:
    twins.set_up()
    twins.both("worktree", "add", "-q", "-b", "side", "linked", commits=0)
    twins.ours, twins.twin = twins.ours / "linked", twins.twin / "linked"
    commit(twins, count)


def submodule(twins: Twins, count: int) -> None:
    inner = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(twins.twin), "blog")
    for name in ("ours", "twin"):
        site = twins.place / "site" / name
        site.mkdir(parents=True)
        assert twins.one(site, "init", "-q")[0] == 0
        assert twins.one(site, *inner)[0] == 0
    twins.ours, twins.twin = twins.place / "site/ours/blog", twins.place / "site/twin/blog"
    twins.set_up()
    commit(twins, count)


def hooks_path(twins: Twins, count: int) -> None:
    twins.both("config", "core.hooksPath", ".githooks", commits=0)
    twins.set_up()
    commit(twins, count)


def rebase(twins: Twins, count: int) -> None:
    twins.set_up()
    while count > 0:
        picks = min(PICKS, count)
        for n in range(picks):
            twins.both("commit", "--allow-empty", "-m", f"pick {n}", commits=0)
        twins.both("rebase", "--force-rebase", f"HEAD~{picks}", commits=picks)
        count -= picks


def amend(twins: Twins, count: int) -> None:
    twins.set_up()
    for n in range(count):
        twins.both("commit", "--amend", "--allow-empty", "-m", f"amended {n}")


STATES = {
    "spool gone": spool_gone,
    "spool read-only": spool_read_only,
    "disk full": disk_full,
    "no inodes": no_inodes,
    "no PATH": no_path,
    "virtual environment deleted": environment_deleted,
    "ledger locked": ledger_locked,
    "linked worktree": linked_worktree,
    "submodule": submodule,
    "core.hooksPath": hooks_path,
    "rebase": rebase,
    "amend": amend,
}
UNHEARD = {"spool gone", "spool read-only", "disk full", "no inodes"}


def run(state: str, place: Path, count: int) -> Twins:
    """`count` commits in one hostile state; where nothing is wrong with the spool, the bell must have rung."""
    with ExitStack() as stack:
        twins = Twins(place / state.replace(" ", "-"), stack)
        STATES[state](twins, count)
        if state not in UNHEARD:
            assert (twins.spool / "git").exists(), f"{state}: the hook did not run, so this proves nothing"
        twins.commits -= 1  # the first one came before our hooks
        return twins


@pytest.mark.parametrize("state", STATES)
def test_a_few_commits(state: str, tmp_path: Path) -> None:
    """Three commits in each state: same exit codes, same words; `make proof` makes two hundred."""
    twins = run(state, tmp_path, 3)
    assert (twins.commits, twins.changed) == (3, [])


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_two_hundred_commits_in_each_state(tmp_path: Path, tell: Tell) -> None:
    """No exit code and no word of Git's changes in any of the twelve states."""
    done = {state: run(state, tmp_path, 200) for state in STATES}
    commits = sum(twins.commits for twins in done.values())
    changed = [change for twins in done.values() for change in twins.changed]
    stand_ins = "".join(f"; {state}: {t.stand_in} instead" for state, t in done.items() if t.stand_in)
    counts = f"{len(done)} hostile hook states, {commits} commits, {len(changed)} changed return codes"
    tell(f"{counts}{stand_ins}")
    assert (len(done), commits, changed) == (12, 2400, [])
