"""A folder of voice notes and a folder of posts, each watched by a blog of its own; a disk that is soon full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tests.watched import Watch


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(blog: Blog, notes: Path) -> Watch:
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\n')
    return Watch(blog.workspace())


@pytest.fixture
def writing(tmp_path: Path) -> Path:
    folder = tmp_path / "writing"
    folder.mkdir()
    return folder


@pytest.fixture
def posts(blog: Blog, writing: Path) -> Watch:
    blog.settings(QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]'))
    return Watch(blog.workspace())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting a small file system needs more rights than this user has ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
