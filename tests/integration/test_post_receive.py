"""A `post-receive` in the author's own bare repository: pushes to a path are seen, and no push is seen twice."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hooks import pushes
from tests.conftest import Blog
from tonewright.repository import Repository

SCAN = """
from hooks import pushes
from tonewright.repository import Repository
from tonewright.workspace import open_workspace

workspace = open_workspace()
while True:
    pushes.scan(workspace, Repository(workspace.root))
"""


def picture(root: Path) -> dict[str, tuple[int, str]]:
    """Every file with its mode and hash."""
    return {
        str(f.relative_to(root)): (f.stat().st_mode, hashlib.sha256(f.read_bytes()).hexdigest())
        for f in sorted(root.rglob("*"))
        if f.is_file()
    }


@pytest.fixture
def bare(blog: Blog, tmp_path: Path) -> Path:
    """The blog's own bare repository, under a name that needs quoting, with our hook in it."""
    place = tmp_path / "it's mine" / "blog.git"
    blog.git("init", "-q", "--bare", str(place))
    blog.commit("first")
    done = blog.tonewright("init", "--post-receive", str(place))
    assert done.code == 0, done.err
    return place


def push(blog: Blog, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "push", "-q", *args], cwd=blog.root, capture_output=True, text=True, check=False)


def seen(blog: Blog) -> list[str]:
    """The sources of all push events, in order, after one more look."""
    workspace = blog.workspace()
    pushes.scan(workspace, Repository(blog.root))
    rows = workspace.ledger.read("SELECT source FROM events WHERE kind = 'push' ORDER BY id")
    workspace.ledger.close()
    return [source for (source,) in rows]


def test_a_push_to_a_path_is_seen(blog: Blog, bare: Path) -> None:
    """It leaves no reflog here; the repository itself tells, once. Idle pushes, tags and deletions are no pushes."""
    push(blog, str(bare), "main", "main:side/way_1")
    assert seen(blog) == [f"{bare}/main", f"{bare}/side/way_1"] == seen(blog)
    push(blog, str(bare), "main")
    blog.git("tag", "v1")
    push(blog, str(bare), "v1")
    push(blog, str(bare), ":side/way_1")
    assert len(seen(blog)) == 2


@pytest.mark.parametrize("address", ["{}", "file://{}", "../it's mine/blog.git"])
def test_told_by_both_is_one_event(blog: Blog, bare: Path, address: str) -> None:
    """A push to a named remote is in the reflog and in the remote's own file, and counts once."""
    blog.git("remote", "add", "origin", address.format(bare))
    assert push(blog, "origin", "main").returncode == 0
    assert seen(blog) == ["origin/main"] == seen(blog)


def test_another_remote_is_another_push(blog: Blog, bare: Path, tmp_path: Path) -> None:
    """The same commit to two places is two pushes."""
    blog.git("init", "-q", "--bare", str(tmp_path / "backup.git"))
    blog.git("remote", "add", "origin", str(bare))
    blog.git("remote", "add", "backup", str(tmp_path / "backup.git"))
    push(blog, "origin", "main")
    push(blog, "backup", "main")
    assert sorted(seen(blog)) == ["backup/main", "origin/main"]


def test_every_push_is_counted_once_whatever_the_order(blog: Blog, bare: Path) -> None:
    """Sixty pushes back and forth, by name and by path, scanned or not in between: as many events."""
    blog.git("remote", "add", "origin", str(bare))
    first = blog.git("rev-parse", "HEAD").strip()
    commits = [first, blog.commit("second"), blog.commit("third")]
    rng = random.Random(4)
    there, made = "", 0
    for _ in range(60):
        oid, to = rng.choice(commits), rng.choice(["origin", str(bare)])
        assert push(blog, "--force", to, f"{oid}:refs/heads/main").returncode == 0
        if oid != there:
            # After a push by path, git takes the tracking ref to be where it was, and may find nothing to write.
            made, there = made + 1, oid
        if rng.random() < 0.3:
            assert len(seen(blog)) == made
    assert len(seen(blog)) == made > 30


def test_a_scan_that_is_killed_counts_nothing_twice(blog: Blog, bare: Path) -> None:
    """Killed at any moment and started again, it makes one event of each push."""
    rng = random.Random(5)
    scan = [sys.executable, "-c", SCAN]
    for n in range(8):
        blog.commit(f"number {n}")
        push(blog, str(bare), "main", f"main:side-{n}")
        with subprocess.Popen(scan, cwd=blog.root) as process:
            time.sleep(rng.uniform(0.1, 0.4))
            process.kill()
    assert len(seen(blog)) == 16


def test_lines_that_are_not_whole_spoil_no_other(blog: Blog, bare: Path) -> None:
    """A line torn by a full disk is passed over, one that is still being written waits."""
    received = blog.workspace().spool / "received"
    received.write_text("0123 torn")
    push(blog, str(bare), "main")
    whole = received.read_bytes()
    received.write_bytes(whole[:-1])
    assert seen(blog) == []
    received.write_bytes(whole)
    assert seen(blog) == [f"{bare}/main"]


def test_an_own_hook_runs_with_the_same_input(blog: Blog, tmp_path: Path) -> None:
    """Moved aside, it reads every line and keeps its say; uninstall puts it back byte for byte."""
    bare = tmp_path / "blog.git"
    blog.git("init", "-q", "--bare", str(bare))
    blog.commit("first")
    own = bare / "hooks" / "post-receive"
    own.write_text('#!/bin/sh\ncat >"$GIT_DIR/seen"\necho "their words" >&2\nexit 3\n')
    own.chmod(0o755)
    before = picture(bare / "hooks")
    assert "moved your own hook" in blog.tonewright("init", "--post-receive", str(bare)).out
    assert "everything is in place already" in blog.tonewright("init", "--post-receive", str(bare)).out
    done = push(blog, str(bare), "main", "main:side")
    assert done.returncode == 0
    assert "their words" in done.stderr
    assert [line.split()[2] for line in (bare / "seen").read_text().splitlines()] == [
        "refs/heads/main",
        "refs/heads/side",
    ]
    assert len(seen(blog)) == 2
    assert blog.tonewright("uninstall").code == 0
    assert picture(bare / "hooks") == before


@pytest.mark.parametrize("hostile", ["gone", "a file", "no PATH"])
def test_no_state_of_ours_changes_a_push(blog: Blog, bare: Path, hostile: str) -> None:
    """Whatever became of the spool, the push succeeds and says nothing of us."""
    spool = blog.workspace().spool
    env = dict(os.environ)
    if hostile == "no PATH":
        hook = bare / "hooks" / "post-receive"
        done = subprocess.run(
            [str(hook)], cwd=bare, env={"PATH": ""}, input="a b refs/heads/main\n", capture_output=True, text=True
        )
    else:
        for file in spool.iterdir():
            file.unlink()
        spool.rmdir()
        if hostile == "a file":
            spool.write_text("")
        done = subprocess.run(
            ["git", "push", "-q", str(bare), "main"], cwd=blog.root, env=env, capture_output=True, text=True
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_no_bare_repository_is_refused(blog: Blog, tmp_path: Path) -> None:
    """One sentence, exit code 2, and nothing installed."""
    blog.commit("first")
    for place in (tmp_path / "nowhere", blog.root):
        done = blog.tonewright("init", "--post-receive", str(place))
        assert done.code == 2
        assert "is not a bare repository" in done.err
    assert not (blog.root / "tonewright.toml").exists()
