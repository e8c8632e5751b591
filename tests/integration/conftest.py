"""A folder of voice notes and a folder of posts, each watched by a blog of its own."""

from __future__ import annotations

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
