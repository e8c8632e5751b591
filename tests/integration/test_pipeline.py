"""The main job in small: posts in, a trained, exported, checked and judged model out. Every part is the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Blog


@pytest.mark.model
@pytest.mark.train
@pytest.mark.timeout(420)
def test_from_commit_to_verdict(blog: Blog) -> None:
    """One `up --once` goes all the way: rows with provenance, one run, a checked adapter, a verdict with reasons."""
    blog.small_retrain("max_steps = 4\nlearning_rate = 1e-3\n")
    done = blog.tonewright("up", "--once", timeout=400)
    assert done.code == 0, done.err
    told = json.loads(blog.tonewright("status", "--json").out)
    assert told["failed"] == [], told
    (model,) = json.loads(blog.tonewright("model", "list", "--json").out)["models"]
    assert model["verdict"] in ("promoted", "refused")
    assert model["report"]["reasons"]
    (run,) = json.loads(blog.tonewright("runs", "--json").out)["runs"]
    assert (run["verdict"], len(run["losses"])) == (model["verdict"], 4)
    assert "training loss" in blog.tonewright("runs", run["id"][:6]).out
    assert blog.tonewright("retrain", "attach").out.rstrip().endswith("finished")
    assert "ended with 0" in blog.tonewright("retrain", "logs").out
    folder = Path(model["folder"])
    assert json.loads((folder / "parity.json").read_text())["ok"] is True
    assert (folder / "adapter.gguf").read_bytes()[:4] == b"GGUF"
    # The same corpus does not train again, however often it is looked at.
    assert blog.tonewright("up", "--once", timeout=60).code == 0
    assert len(json.loads(blog.tonewright("model", "list", "--json").out)["models"]) == 1
    assert blog.tonewright("retrain").code == 3
    # The model writes, whatever the gate thought of four steps of training.
    blog.write(
        "draft.md",
        "---\ntitle: Monday\n---\n\nThe lift was closed on Monday because of the wind.\n\n```\ncode\n```\n",
    )
    written = blog.tonewright("rewrite", "--tone", "dry", "--model", str(model["id"]), "draft.md")
    assert written.code == 0, written.err
    assert written.out.startswith("---\ntitle: Monday\n---\n\n")
    assert written.out.endswith("\n\n```\ncode\n```\n")
    assert blog.tonewright("rewrite", "--tone", "snrk", "draft.md").code != 0
    # An adapter that was tampered with is not loaded.
    (folder / "adapter.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    assert "has changed" in blog.tonewright("rewrite", "--model", str(model["id"]), "draft.md").err
