"""The main job in small: posts in, a trained, exported, checked and judged model out. Every part is the real one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Blog

SETTINGS = """
[blog]
authors = []
[thresholds]
min_new_examples = 8
min_new_words = 100
per_tone_minimum = 0
[training]
recipe = "{recipe}"
held_out = 0.3
poll_seconds = 0.5
[gate]
items = 4
"""
RECIPE = "max_steps = 4\nrank = 4\nsequence_length = 256\nlearning_rate = 1e-3\n"


@pytest.fixture
def author(blog: Blog, tmp_path: Path) -> Blog:
    """A blog with a handful of the example's posts, ready to be trained on."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    blog.settings(SETTINGS.format(recipe=tmp_path / "recipe.toml"))
    posts = sorted((REPOSITORY / "examples" / "blog" / "_posts").glob("2025-0*.md"))[:6]
    (blog.root / "_posts").mkdir()
    for post in posts:
        shutil.copy(post, blog.root / "_posts")
    blog.commit()
    return blog


@pytest.mark.model
@pytest.mark.train
@pytest.mark.timeout(420)
def test_from_commit_to_verdict(author: Blog) -> None:
    """One `up --once` goes all the way: rows with provenance, one run, a checked adapter, a verdict with reasons."""
    done = author.tonewright("up", "--once", timeout=400)
    assert done.code == 0, done.err
    told = json.loads(author.tonewright("status", "--json").out)
    assert told["failed"] == [], told
    (model,) = json.loads(author.tonewright("model", "list", "--json").out)["models"]
    assert model["verdict"] in ("promoted", "refused")
    assert model["report"]["reasons"]
    folder = Path(model["folder"])
    assert json.loads((folder / "parity.json").read_text())["ok"] is True
    assert (folder / "adapter.gguf").read_bytes()[:4] == b"GGUF"
    # The same corpus does not train again, however often it is looked at.
    assert author.tonewright("up", "--once", timeout=60).code == 0
    assert len(json.loads(author.tonewright("model", "list", "--json").out)["models"]) == 1
    assert author.tonewright("retrain").code == 3
    # The model writes, whatever the gate thought of four steps of training.
    author.write(
        "draft.md",
        "---\ntitle: Monday\n---\n\nThe lift was closed on Monday because of the wind.\n\n```\ncode\n```\n",
    )
    written = author.tonewright("rewrite", "--tone", "dry", "--model", str(model["id"]), "draft.md")
    assert written.code == 0, written.err
    assert written.out.startswith("---\ntitle: Monday\n---\n\n")
    assert written.out.endswith("\n\n```\ncode\n```\n")
    assert author.tonewright("rewrite", "--tone", "snrk", "draft.md").code != 0
    # An adapter that was tampered with is not loaded.
    (folder / "adapter.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    assert "has changed" in author.tonewright("rewrite", "--model", str(model["id"]), "draft.md").err
