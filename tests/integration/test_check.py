"""`tonewright-check` and `tonewright-ring`, started as pre-commit starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
HOOK = "import sys; from hooks.{module} import main; sys.exit(main())"


def run(module: str, blog: Blog, *files: Path) -> subprocess.CompletedProcess[str]:
    """One of the hooks, as pre-commit starts it: in the repository's root, with file names."""
    words = [str(f.relative_to(blog.root)) for f in files]
    return subprocess.run(
        [sys.executable, "-c", HOOK.format(module=module), *words],
        cwd=blog.root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_faults_are_named_with_file_and_line(blog: Blog) -> None:
    """A good post passes; front matter, an unknown tone and an open mark are told with their lines."""
    good = blog.post("good", WORDS, front="tone: dry\n")
    broken = blog.write("_posts/2026-01-03-broken.md", "---\ntitle: [oops\n---\n\nwords\n")
    unknown = blog.post("unknown", WORDS, front="tone: snrk\n")
    still_open = blog.post("open", f"<snark>{WORDS}")
    assert run("check", blog, good).returncode == 0
    done = run("check", blog, good, broken, unknown, still_open, blog.write("notes.txt", "<snark>"))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("_posts/2026-01-03-broken.md:")
    assert "snark" in lines[1]
    assert lines[2].startswith("_posts/2026-01-02-open.md:5: <snark> is never closed")


def test_the_vocabulary_is_the_blogs_own(blog: Blog) -> None:
    """A tone that the blog's settings name is known to the hook."""
    blog.settings('[tones]\nnames = ["gruff", "plain"]\n')
    assert run("check", blog, blog.post("good", WORDS, front="tone: gruff\n")).returncode == 0
    blog.settings("[tones\n")
    assert run("check", blog, blog.post("good", WORDS)).returncode == 78


def test_the_ring_never_fails(blog: Blog) -> None:
    """With and without a configuration it exits with 0; with one, it rings."""
    assert run("ring", blog).returncode == 0
    blog.settings()
    assert run("ring", blog).returncode == 0
    assert (Path(os.environ["TONEWRIGHT_STATE"]) / "spool" / "git").exists()
