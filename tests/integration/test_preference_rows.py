"""Corrections on their way into a run: pairs beside its rows, never those of a held-out post, forgotten like rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Blog
from tests.integration.corpus_life import Life, begin, holding
from tests.integration.test_own_output import DRAFT, LIGHT, OTHER, SOURCE
from tonewright.corpus import snapshot
from tonewright.corpus.drafts import REWRITTEN, Draft, give_out
from tonewright.corpus.lineage import records, stale
from tonewright.corpus.rows import CORRECTION, collect_with_reasons, is_held_out
from tonewright.corpus.verify import verify
from tonewright.models import registry
from tonewright.training.recipe import Recipe
from tonewright.workspace import cache_folder

SHARE = 0.15  # of posts that are held out by default
SLUGS = ("kettle", *(f"kettle-{number}" for number in range(99)))
TRAINED = next(slug for slug in SLUGS if not is_held_out(slug, SHARE))
HELD = next(slug for slug in SLUGS if is_held_out(slug, SHARE))


@pytest.fixture
def life(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Two posts, one of them held out, each with a passage of the author's and a draft that she corrected."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    life = begin(blog, tmp_path / "writing")
    for slug, who in ((TRAINED, "the kettle"), (HELD, "the old ferry of ours")):
        draft, source, light = (text.replace("the kettle", who) for text in (DRAFT, SOURCE, LIGHT))
        give_out(life.workspace.ledger, [Draft(draft, source.replace("The kettle", who), REWRITTEN, "dry")])
        blog.post(slug, f"{light}\n\n{OTHER.replace('towpath', who)}")
    blog.commit()
    life.look()
    life.train("run-1")
    return life


def test_a_run_carries_the_pairs_of_its_training_posts(life: Life) -> None:
    """One file more, with draft and edit, frozen under its content; the held-out post's pair is in no file."""
    assert verify(life.workspace).faults == []
    folder = life.workspace.state / "runs" / "run-1"
    (pair,) = records(folder / snapshot.PREFERENCE_FILE)
    assert (pair["messages"][-1]["content"], pair["rejected"]) == (LIGHT, DRAFT)
    assert holding("the old ferry of ours gave up the ghost", folder) == []
    for name in (snapshot.TRAIN_FILE, snapshot.HELD_OUT_FILE):
        assert {row["kind"] for row in records(folder / name)} <= {"rewrite"}
    assert pair["id"] in snapshot.load(life.workspace.ledger, snapshot.latest(life.workspace.ledger).id).row_ids
    file = folder / snapshot.PREFERENCE_FILE
    file.write_text(file.read_text().replace("custom", "habit"))
    assert any("was changed after it was frozen" in fault for fault in verify(life.workspace).faults)


def test_too_few_pairs_are_not_sent(life: Life) -> None:
    """Where they make no second stage, the files of a run and the snapshot are those of its rows alone."""
    rows = collect_with_reasons(life.workspace.ledger, life.workspace.config).rows
    assert [row.held_out for row in rows if row.kind == CORRECTION].count(False) == 1
    parts = snapshot.divided(rows, second=Recipe(min_pairs=2).prefers)
    assert list(parts) == [snapshot.TRAIN_FILE, snapshot.HELD_OUT_FILE]
    assert [row for part in parts.values() for row in part if row.kind == CORRECTION] == []


def test_a_forgotten_post_takes_its_pairs_along(life: Life) -> None:
    """Draft and edit leave the run's files, and the model that preferred one to the other is stale."""
    model = registry.every(life.workspace.ledger)[0]
    assert stale(life.workspace, model) == ""
    path = f"_posts/2026-01-02-{TRAINED}.md"
    done = life.blog.tonewright("corpus", "forget", path, "--yes")
    assert (done.code, done.err) == (0, "")
    for words in (DRAFT, LIGHT):
        assert holding(words, life.workspace.state, cache_folder()) == []
    assert path in json.loads(life.blog.tonewright("model", "list", "--json").out)["models"][0]["stale"]
    assert verify(life.workspace).faults == []


def test_a_post_that_left_makes_its_pairs_stale(life: Life) -> None:
    """Un-published without being forgotten: the model has seen its correction all the same."""
    (life.blog.root / f"_posts/2026-01-02-{TRAINED}.md").unlink()
    life.blog.commit("gone")
    life.look()
    assert "left the corpus" in stale(life.workspace, registry.every(life.workspace.ledger)[0])
