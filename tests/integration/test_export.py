"""The corpus as other trainers read it: the keys that they document, a card, and honest ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Blog
from tests.integration.corpus_life import RULES, Life, begin, passage
from tonewright.corpus.rows import collect

Record = dict[str, Any]


@pytest.fixture
def life(blog: Blog, tmp_path: Path) -> Life:
    """A post that was edited, with plain versions."""
    life = begin(blog, tmp_path / "writing")
    life.post("boat", "heron", "otter", summary="About the grebe and its many ducklings.")
    life.look()
    edited = passage("heron", 0).replace("gave up on", "had finally given up on")
    blog.post("boat", edited + "\n\n" + passage("otter", 1), "summary: About the grebe and its many ducklings.\n")
    blog.commit("an edit")
    life.look()
    return life


def is_said(messages: list[Record], *roles: str) -> bool:
    """Messages of these roles, each with something to say."""
    return [m["role"] for m in messages] == list(roles) and all(m["content"].strip() for m in messages)


FORMS: dict[str, tuple[set[str], Callable[[Record], bool]]] = {
    "prompt-completion": (
        {"prompt", "completion"},
        lambda r: is_said(r["prompt"], "system", "user") and is_said(r["completion"], "assistant"),
    ),
    "alpaca": (
        {"instruction", "input", "output", "system"},
        lambda r: all(r.values()) and "\n" not in r["instruction"],
    ),
    "sharegpt": (
        {"conversations"},
        lambda r: [t["from"] for t in r["conversations"]] == ["system", "human", "gpt"],
    ),
    "preference": (
        {"prompt", "chosen", "rejected"},
        lambda r: is_said(r["chosen"], "assistant") and is_said(r["rejected"], "assistant"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_line_has_the_documented_keys(life: Life, form: str) -> None:
    """Every row in its form, with no key that its reader does not know; the file agrees with `verify`."""
    keys, holds = FORMS[form]
    file = life.blog.root.parent / "out.jsonl"
    assert life.blog.tonewright("corpus", "export", "--format", form, "--to", str(file)).code == 0
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert records
    assert all(set(record) == keys and holds(record) for record in records)
    assert life.blog.tonewright("corpus", "verify").code == 0
    assert life.blog.tonewright("corpus", "export", "--format", form).out == file.read_text()


def test_a_pair_prefers_the_later_wording(life: Life) -> None:
    """Chosen is what the author wrote in the end, rejected what stood there before, asked for by the same request."""
    (pair,) = map(json.loads, life.blog.tonewright("corpus", "export", "--format", "preference").out.splitlines())
    assert "had finally given up on" in pair["chosen"][0]["content"]
    assert pair["rejected"][0]["content"] == passage("heron", 0)


def test_without_pairs_there_is_nothing_to_prefer(blog: Blog, tmp_path: Path) -> None:
    """Exit code 3, one sentence, and no file."""
    life = begin(blog, tmp_path / "writing")
    life.post("boat", "heron")
    life.look()
    done = blog.tonewright("corpus", "export", "--format", "preference", "--to", str(tmp_path / "pairs.jsonl"))
    assert (done.code, done.err.count("\n")) == (3, 1)
    assert not (tmp_path / "pairs.jsonl").exists()


def test_the_card_counts_what_is_there(life: Life, tmp_path: Path) -> None:
    """Kinds, sources, the hash, what was left out, and a licence that the author fills in."""
    life.post("key", "wren", summary="The password is hunter2hunter2 of course.")
    life.look()
    file = tmp_path / "out.jsonl"
    assert life.blog.tonewright("corpus", "export", str(file)).code == 0
    card = (tmp_path / "out.jsonl.card.md").read_text()
    rows = collect(life.workspace.ledger, life.workspace.config)
    assert f"{len(rows)} lines of `messages`" in card
    for part in ("| rewrite | 3 |", "| revision | 1 |", "_posts/2026-01-02-boat.md", "1 rows for a secret", "Licence"):
        assert part in card


def test_continuations_are_asked_for(life: Life) -> None:
    """Off by default; on, a passage is followed by the one right after it, never across a heading."""
    assert "continuation" not in {r.kind for r in collect(life.workspace.ledger, life.workspace.config)}
    life.blog.settings(RULES + '[rows]\nkinds = ["rewrite", "summary", "continuation"]\ncontinuations = 2.0\n')
    life.blog.write("_posts/2026-01-04-two.md", f"{passage('wren', 3)}\n\n# A heading\n\n{passage('rail', 4)}\n")
    life.blog.commit("two parts")
    life.look()
    workspace = life.blog.workspace()
    found = [r for r in collect(workspace.ledger, workspace.config) if r.kind == "continuation"]
    assert [(r.source_text.count("heron"), r.answer.count("otter")) for r in found] == [(3, 3)]
    life.blog.settings(RULES + '[rows]\nkinds = ["rewrites"]\n')
    assert life.blog.tonewright("corpus", "stats").code == 78
