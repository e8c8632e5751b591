"""pre-commit, prek, lefthook and husky beside our doorbell: nobody's hook is lost, run twice or left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hooks.doorbell import line
from tests.conftest import REPOSITORY, Blog
from tests.integration.test_hooks import picture

BIN = Path(sys.executable).parent
STAGES = ("post-commit", "pre-push")
CONFIG = """\
repos:
- repo: local
  hooks:
  - id: theirs
    name: theirs
    entry: sh -c 'echo ran >>"$THEIRS"'
    language: system
    always_run: true
    pass_filenames: false
    verbose: true
    stages: [post-commit, pre-push]
"""


def manager(name: str) -> str:
    """The program, or a skip that says what to install."""
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    return found or pytest.skip(f"{name} is not installed (pip install {name})")


@pytest.fixture
def theirs(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the manager's hook leaves a line each time that it runs."""
    file = tmp_path / "theirs"
    monkeypatch.setenv("THEIRS", str(file))
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    monkeypatch.setenv("PREK_HOME", str(tmp_path / "prek"))
    blog.write(".pre-commit-config.yaml", CONFIG)
    blog.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    blog.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    blog.commit("begin")
    return file


def install(blog: Blog, program: str) -> None:
    words = [word for stage in STAGES for word in ("-t", stage)]
    subprocess.run([program, "install", *words], cwd=blog.root, check=True, capture_output=True)


def each_runs_once(blog: Blog, theirs: Path, *, manager_runs: int = 1) -> None:
    """A commit and a push succeed, ring once, and run the manager's hook as often as it should."""
    bell = blog.workspace().spool / "git"
    for action in (lambda: blog.commit("again"), lambda: blog.git("push", "-q", "origin", "main")):
        bell.unlink(missing_ok=True)
        theirs.unlink(missing_ok=True)
        action()
        assert bell.exists()
        assert (theirs.read_text() if theirs.exists() else "") == "ran\n" * manager_runs


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_installed_before_us(blog: Blog, theirs: Path, name: str) -> None:
    """Our hook runs the manager's; set up again, the manager runs ours; uninstalled, its own hooks are left."""
    program = manager(name)
    install(blog, program)
    before = picture(blog.root / ".git/hooks")
    assert blog.tonewright("init").code == 0
    each_runs_once(blog, theirs)
    install(blog, program)
    each_runs_once(blog, theirs)
    assert "everything is in place already" in blog.tonewright("init").out
    each_runs_once(blog, theirs)
    assert blog.tonewright("uninstall").code == 0
    assert picture(blog.root / ".git/hooks") == before


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_installed_after_us(blog: Blog, theirs: Path, name: str) -> None:
    """The manager moves our hook aside and runs it, with the author's own hook behind it; that one survives."""
    program = manager(name)
    own = blog.write(".git/hooks/post-commit", "#!/bin/sh\ntouch own-ran\n")
    own.chmod(0o755)
    original = picture(blog.root / ".git/hooks")
    assert blog.tonewright("init").code == 0
    install(blog, program)
    each_runs_once(blog, theirs)
    assert (blog.root / "own-ran").exists()
    assert blog.tonewright("uninstall").code == 0
    words = [word for stage in STAGES for word in ("-t", stage)]
    subprocess.run([program, "uninstall", *words], cwd=blog.root, check=True, capture_output=True)
    assert picture(blog.root / ".git/hooks") == original


@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_our_ring_as_one_of_their_hooks(blog: Blog, theirs: Path, name: str) -> None:
    """`tonewright-ring`, as .pre-commit-hooks.yaml describes it, rings at each post-* stage and before a push."""
    program = manager(name)
    blog.settings()
    ring = f"{sys.executable} -c 'from hooks.ring import main; main()'"
    stages = "post-commit, post-merge, post-rewrite, post-checkout, pre-push"
    assert f"stages: [{stages}]" in (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    blog.write(
        ".pre-commit-config.yaml",
        CONFIG.replace("sh -c 'echo ran >>\"$THEIRS\"'", ring).replace("post-commit, pre-push", stages),
    )
    blog.commit("settings")
    words = [word for stage in stages.split(", ") for word in ("-t", stage)]
    subprocess.run([program, "install", *words], cwd=blog.root, check=True, capture_output=True)
    bell = blog.workspace().spool / "git"
    for action in (
        lambda: blog.commit("again"),
        lambda: blog.git("commit", "-q", "--allow-empty", "--amend", "-m", "b"),
        lambda: blog.git("checkout", "-qb", "side"),
        lambda: blog.git("push", "-q", "origin", "main"),
    ):
        bell.unlink(missing_ok=True)
        action()
        assert bell.exists()


def test_lefthook_needs_the_line(blog: Blog, theirs: Path) -> None:
    """lefthook pushes our hook out and does not run it; the documented line in lefthook.yml rings in its place."""
    program = manager("lefthook")
    assert blog.tonewright("init").code == 0
    blog.write("lefthook.yml", 'post-commit:\n  commands:\n    theirs:\n      run: echo ran >>"$THEIRS"\n')
    subprocess.run([program, "install"], cwd=blog.root, check=True, capture_output=True)
    bell = blog.workspace().spool / "git"
    bell.unlink(missing_ok=True)
    blog.commit("unheard")
    assert not bell.exists()
    lines = f"    tonewright:\n      run: |\n        {line(blog.workspace().spool)}\n"
    with (blog.root / "lefthook.yml").open("a") as file:
        file.write(lines)
    theirs.unlink()
    blog.commit("heard")
    assert bell.exists()
    assert theirs.read_text() == "ran\n"
    assert blog.tonewright("uninstall").code == 0
    assert [f.name for f in (blog.root / ".git/hooks").iterdir() if "tonewright" in f.read_text()] == [
        "post-commit"
    ] * 0


def test_lefthook_first_then_us(blog: Blog, theirs: Path) -> None:
    """Our hook runs lefthook's; uninstalled, the folder is as it was, even when lefthook has pushed ours out since."""
    program = manager("lefthook")
    blog.write("lefthook.yml", 'post-commit:\n  commands:\n    theirs:\n      run: echo ran >>"$THEIRS"\n')
    subprocess.run([program, "install"], cwd=blog.root, check=True, capture_output=True)
    before = picture(blog.root / ".git/hooks")
    assert blog.tonewright("init").code == 0
    bell = blog.workspace().spool / "git"
    theirs.unlink(missing_ok=True)
    blog.commit("again")
    assert bell.exists()
    assert theirs.read_text() == "ran\n"
    subprocess.run([program, "install", "--force"], cwd=blog.root, check=True, capture_output=True)
    assert blog.tonewright("uninstall").code == 0
    assert picture(blog.root / ".git/hooks") == before


def test_husky_rewrites_its_folder_so_the_line_is_shown(blog: Blog) -> None:
    """`.husky/_` is left alone; the line that `init` shows rings from .husky/post-commit under `sh -e`."""
    blog.git("config", "core.hooksPath", ".husky/_")
    stub = blog.write(".husky/_/post-commit", '#!/usr/bin/env sh\nsh -e ".husky/post-commit"\n')
    stub.chmod(0o755)
    done = blog.tonewright("init")
    assert "husky writes it anew" in done.out
    assert [f.name for f in (blog.root / ".husky/_").iterdir()] == ["post-commit"]
    spool = blog.workspace().spool
    assert line(spool) in done.out
    blog.write(".husky/post-commit", f"{line(spool)}\ntouch theirs-ran\n")
    blog.commit("again")
    assert (spool / "git").exists()
    assert (blog.root / "theirs-ran").exists()


def test_a_hook_that_took_our_place_is_never_moved_over_the_first(blog: Blog) -> None:
    """The author's first hook stays where it is kept, and both are named."""
    own = blog.write(".git/hooks/post-commit", "#!/bin/sh\n# first\n")
    own.chmod(0o755)
    assert blog.tonewright("init").code == 0
    own.write_text("#!/bin/sh\n# second\n")
    before = picture(blog.root / ".git/hooks")
    assert "left alone: another hook took our place" in blog.tonewright("init").out
    assert picture(blog.root / ".git/hooks") == before
    assert "post-commit.before-tonewright" in blog.tonewright("uninstall").out
    assert own.read_text() == "#!/bin/sh\n# second\n"
