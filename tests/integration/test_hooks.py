"""The doorbell: installed beside anything, silent, harmless, and gone without a trace."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from hooks.doorbell import HOOKS
from tests.conftest import Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def picture(root: Path) -> dict[str, tuple[int, str]]:
    """Every file with its mode and hash, except what Git itself changes as it works."""
    return {
        str(f.relative_to(root)): (f.stat().st_mode, hashlib.sha256(f.read_bytes()).hexdigest())
        for f in sorted(root.rglob("*"))
        if f.is_file() and f.name != "index"
    }


@pytest.fixture
def ready(blog: Blog) -> Blog:
    """A blog with one post, tonewright installed."""
    blog.post("kettle", WORDS)
    blog.commit()
    assert blog.tonewright("init").code == 0
    return blog


def spool(blog: Blog) -> Path:
    return blog.workspace().spool / "git"


def test_init_again_changes_nothing_and_uninstall_leaves_no_trace(blog: Blog) -> None:
    """Byte for byte the repository as it was, hooks of the author's own included."""
    blog.post("kettle", WORDS)
    blog.commit()
    own = blog.write(".git/hooks/post-commit", "#!/bin/sh\ntouch ran\n")
    own.chmod(0o755)
    before = picture(blog.root)
    dry = blog.tonewright("init", "--dry-run")
    assert "would have" in dry.out
    assert picture(blog.root) == before
    first = blog.tonewright("init")
    assert "moved your own hook" in first.out
    installed = picture(blog.root)
    assert installed != before
    again = blog.tonewright("init")
    assert "everything is in place already" in again.out
    assert picture(blog.root) == installed
    assert "removed the settings" in blog.tonewright("uninstall", "--dry-run").out
    assert picture(blog.root) == installed
    assert blog.tonewright("uninstall").code == 0
    assert picture(blog.root) == before


def test_uninstall_keeps_edited_settings_out_of_the_way(ready: Blog) -> None:
    """An edited tonewright.toml is moved into the state folder, not lost."""
    file = ready.root / "tonewright.toml"
    file.write_text(file.read_text() + "# mine\n")
    done = ready.tonewright("uninstall")
    assert not file.exists()
    kept = Path(os.environ["TONEWRIGHT_STATE"]) / "tonewright.toml.kept"
    assert kept.read_text().endswith("# mine\n")
    assert str(kept) in done.out


def test_commit_merge_rewrite_and_checkout_ring(ready: Blog, tmp_path: Path) -> None:
    """Each of them leaves its mark in the spool."""
    for action in (
        lambda: ready.commit("again"),
        lambda: ready.git("commit", "-q", "--amend", "-m", "b"),
        lambda: ready.git("checkout", "-qb", "side"),
    ):
        spool(ready).unlink(missing_ok=True)
        action()
        assert spool(ready).exists()


def test_the_authors_own_hook_still_runs_with_its_exit_code(blog: Blog) -> None:
    """A pre-push hook that says no keeps saying no, and sees its input."""
    own = blog.write(".git/hooks/pre-push", '#!/bin/sh\ncat >seen\necho "$1" >>seen\nexit 7\n')
    own.chmod(0o755)
    blog.post("kettle", WORDS)
    blog.commit()
    assert blog.tonewright("init").code == 0
    blog.git("init", "-q", "--bare", str(blog.root.parent / "remote.git"))
    blog.git("remote", "add", "origin", str(blog.root.parent / "remote.git"))
    done = subprocess.run(["git", "push", "-q", "origin", "main"], cwd=blog.root, capture_output=True, check=False)
    assert done.returncode != 0
    seen = (blog.root / "seen").read_text()
    assert "refs/heads/main" in seen
    assert seen.endswith("origin\n")


@pytest.mark.parametrize("hostile", ["gone", "a file", "read-only", "no PATH"])
def test_no_state_of_ours_changes_a_commit(ready: Blog, hostile: str) -> None:
    """Whatever became of the spool, the commit succeeds and says nothing of us."""
    place = ready.workspace().spool
    env = dict(os.environ)
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    if hostile == "gone":
        place.rmdir()
    elif hostile == "a file":
        place.rmdir()
        place.write_text("")
    elif hostile == "read-only":
        place.chmod(0o500)
    else:
        env["PATH"] = ""
    done = subprocess.run(
        [git, "commit", "-q", "--allow-empty", "-m", "x"],
        cwd=ready.root,
        env=env,
        capture_output=True,
        text=True,
    )
    if place.is_dir():
        place.chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hooks_path_in_the_repository_is_honoured(blog: Blog) -> None:
    """Hooks go where Git looks for them."""
    blog.git("config", "core.hooksPath", ".githooks")
    blog.post("kettle", WORDS)
    blog.commit()
    assert blog.tonewright("init").code == 0
    assert sorted(p.name for p in (blog.root / ".githooks").iterdir()) == sorted(HOOKS)
    blog.commit("ring")
    assert spool(blog).exists()


def test_a_hooks_path_shared_with_other_repositories_is_left_alone(blog: Blog, home: Path) -> None:
    """A global hooks folder is not ours; the line to add is shown."""
    shared = home / "hooks"
    shared.mkdir()
    blog.git("config", "core.hooksPath", str(shared))
    done = blog.tonewright("init")
    assert list(shared.iterdir()) == []
    assert "add this line yourself" in done.out


def test_init_belongs_into_the_main_worktree(ready: Blog, tmp_path: Path) -> None:
    """In a linked one it would turn the shared hooks away from the ledger that is read."""
    ready.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    refused = Blog(tmp_path / "linked").tonewright("init")
    assert refused.code == 2
    assert f"linked worktree of {ready.root}: run `tonewright init` there" in refused.err


def test_worktrees_ring_too(ready: Blog, tmp_path: Path) -> None:
    """A linked worktree uses the same hooks and the same spool."""
    ready.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    spool(ready).unlink(missing_ok=True)
    Blog(tmp_path / "linked").commit("from the worktree")
    assert spool(ready).exists()


def test_a_blog_that_is_a_submodule(blog: Blog, tmp_path: Path) -> None:
    """Its hooks go where Git keeps the submodule's, its commits ring and are scanned, and it leaves no trace there."""
    blog.post("kettle", WORDS)
    blog.commit()
    site = Blog(tmp_path / "site")
    site.root.mkdir()
    site.git("init", "-q")
    site.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(blog.root), "blog")
    site.commit("with a blog")
    inner = Blog(site.root / "blog")
    folder = site.root / ".git/modules/blog/hooks"
    before = picture(folder)
    assert inner.tonewright("init").code == 0
    assert {name for name in HOOKS if (folder / name).exists()} == set(HOOKS)
    bell = spool(inner)
    bell.unlink(missing_ok=True)
    inner.post("cat", WORDS.replace("kettle", "cat"))
    inner.commit()
    assert bell.exists()
    assert "_posts/2026-01-02-cat.md" in inner.tonewright("scan").out
    inner.opened[0].ledger.close()
    assert inner.tonewright("uninstall").code == 0
    assert picture(folder) == before


def test_gits_variables_for_another_repository_mislead_nobody(blog: Blog, tmp_path: Path) -> None:
    """Inside a hook of another repository GIT_DIR and GIT_INDEX_FILE are set; init, scan and uninstall see theirs."""
    blog.post("kettle", WORDS)
    blog.commit()
    other = Blog(tmp_path / "other")
    other.root.mkdir()
    other.git("init", "-q")
    other.commit("theirs")
    before = picture(other.root)
    poison = {
        "GIT_DIR": str(other.root / ".git"),
        "GIT_WORK_TREE": str(other.root),
        "GIT_INDEX_FILE": str(other.root / ".git/index"),
    }
    assert blog.tonewright("init", env=poison).code == 0
    assert (blog.root / ".git/hooks/post-commit").exists()
    assert "_posts/2026-01-02-kettle.md" in blog.tonewright("scan", env=poison).out
    assert blog.tonewright("uninstall", env=poison).code == 0
    assert not (blog.root / ".git/hooks/post-commit").exists()
    assert picture(other.root) == before


def test_a_hook_that_is_a_link_comes_back_as_one(blog: Blog) -> None:
    """A link to a tracked script, even one that leads nowhere today, is moved aside and put back as it was."""
    blog.write("scripts/bell", "#!/bin/sh\ntouch ran\n").chmod(0o755)
    blog.commit()
    folder = blog.root / ".git/hooks"
    (folder / "post-commit").symlink_to("../../scripts/bell")
    (folder / "pre-push").symlink_to("../../scripts/nowhere")
    assert blog.tonewright("init").code == 0
    blog.commit("again")
    assert (blog.root / "ran").exists()
    assert spool(blog).exists()
    assert blog.tonewright("uninstall").code == 0
    assert (folder / "post-commit").readlink() == Path("../../scripts/bell")
    assert (folder / "pre-push").readlink() == Path("../../scripts/nowhere")


def test_outside_a_repository(tmp_path: Path) -> None:
    """A sentence and exit code 2."""
    (tmp_path / "plain").mkdir()
    done = Blog(tmp_path / "plain").tonewright("init")
    assert done.code == 2
    assert "git init" in done.err
