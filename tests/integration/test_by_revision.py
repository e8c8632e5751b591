"""The hooks of .pre-commit-hooks.yaml, fetched and installed by pre-commit and prek from a revision of this repository.

Both build an environment and install tonewright's core dependencies into it, from wherever pip gets packages here;
`make test` has needed that index by then, but not on every run, so these are among the proofs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Blog, Tell

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
BIN = Path(sys.executable).parent


@pytest.fixture
def hook_repository(tmp_path: Path) -> Path:
    """This working tree's files as a commit of their own."""
    place = tmp_path / "hook-repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, place / name)
    made = Blog(place)
    made.git("init", "-q")
    made.commit("tonewright")
    return place


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["pre-commit", "prek"])
def test_try_repo(
    blog: Blog,
    hook_repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: Tell,
    name: str,
) -> None:
    """Fetched by revision, the check tells faults with their lines and passes a good post, and the ring rings."""
    program = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip(f"{name} is not installed (pip install {name})")
    monkeypatch.delenv("PYTHONPATH")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    monkeypatch.setenv("PREK_HOME", str(tmp_path / "prek"))
    oid = subprocess.run(["git", "rev-parse", "HEAD"], cwd=hook_repository, capture_output=True, text=True, check=True)
    blog.write(
        ".pre-commit-config.yaml",
        f"repos:\n- repo: {hook_repository}\n  rev: {oid.stdout.strip()}\n  hooks:\n"
        "  - id: tonewright-check\n  - id: tonewright-ring\n",
    )
    blog.settings()
    blog.commit("settings")

    def hook(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], cwd=blog.root, capture_output=True, text=True, check=False)

    tried = hook("try-repo", str(hook_repository), "tonewright-check", "--all-files")
    assert tried.returncode == 0, tried.stdout + tried.stderr
    installed = hook("install", "-t", "pre-commit", "-t", "post-commit")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    bell = blog.workspace().spool / "git"
    blog.post("bad", f"<snark>{WORDS}")
    blog.git("add", "-A")
    refused = hook("run")
    assert refused.returncode == 1
    assert "_posts/2026-01-02-bad.md:5: <snark> is never closed" in refused.stdout
    assert blog.git("commit", "-q", "-m", "bad", check=False) == ""
    assert not bell.exists()
    blog.post("bad", WORDS)
    blog.commit("good")
    assert bell.exists()
    tell(f"{name} installed both hooks from a revision: 1 commit refused with its line, 1 rung")
