"""Thresholds: every rule shows its count, and a crossing fires once."""

from __future__ import annotations

from dataclasses import replace

from tests.conftest import QUIET, Blog
from tonewright import prompts
from tonewright.config.schema import Thresholds
from tonewright.corpus import snapshot, trigger
from tonewright.corpus.documents import MARK, Document, Excerpt, HandLabel, keep_text, store
from tonewright.corpus.rows import Row, collect
from tonewright.corpus.snapshot import Snapshot
from tonewright.corpus.trigger import decide
from tonewright.events import RETRAIN
from tonewright.workspace import Workspace

DAY = 86400.0
ENOUGH = Thresholds(min_new_examples=3, min_new_words=30, per_tone_minimum=1, max_age_days=0)


def row(number: int, tone: str | None = "dry", held_out: bool = False) -> Row:
    words = " ".join(["word"] * 10)
    return Row(f"r{number}", "rewrite", tone, "hand", prompts.rewrite("x", tone), words, "x", held_out, {})


ROWS = [row(n) for n in range(3)]


def fires(thresholds: Thresholds = ENOUGH, **changes: object) -> bool:
    facts: dict[str, object] = {
        "rows": ROWS,
        "baseline": None,
        "pushed_since": False,
        "busy": 0,
        "now": 100 * DAY,
    }
    facts.update(changes)
    return decide(thresholds, **facts).fires  # type: ignore[arg-type]


def test_all_amounts_must_be_met() -> None:
    """Examples, words and tones each hold a run back, and held-out rows do not count."""
    assert fires()
    assert not fires(replace(ENOUGH, min_new_examples=4))
    assert not fires(replace(ENOUGH, min_new_words=31))
    assert not fires(replace(ENOUGH, per_tone_minimum=2), rows=[*ROWS, row(9, "snark")])
    assert not fires(rows=[*ROWS[:2], row(3, held_out=True)])


def test_what_was_in_the_last_snapshot_is_not_new() -> None:
    """Counting starts from the last snapshot; nothing new never fires, however old it is."""
    base = Snapshot("s", frozenset({"r0", "r1"}), created=0.0)
    assert not fires(baseline=base)
    assert fires(replace(ENOUGH, max_age_days=50), baseline=base)
    assert not fires(replace(ENOUGH, max_age_days=200), baseline=base)
    everything = Snapshot("s", frozenset(r.id for r in ROWS), created=0.0)
    assert not fires(replace(ENOUGH, max_age_days=50), baseline=everything)


def test_a_push_can_be_asked_for() -> None:
    """With on_push, a push since the last snapshot is needed."""
    asks = replace(ENOUGH, on_push=True)
    assert not fires(asks)
    assert fires(asks, pushed_since=True)


def test_nothing_fires_while_work_is_on_its_way() -> None:
    """One run takes everything that came in together."""
    assert not fires(busy=1)


def test_every_rule_tells_what_is_missing() -> None:
    """A rule that is not met says how much it lacks."""
    decision = decide(Thresholds(), [row(1, "snark")], None, False, 2, 0.0)
    missing = {r.name: r.missing for r in decision.rules if not r.met}
    assert missing["min_new_examples"] == "99 more"
    assert missing["min_new_words"] == "2990 more"
    assert missing["per_tone_minimum"] == "2 more snark"


def fill(workspace: Workspace, slug: str, passages: int) -> None:
    """A document with tagged passages and their plain versions."""
    excerpts = [
        Excerpt(
            n * 100,
            n * 100 + 50,
            1,
            f"{slug} passage {n} with quite a few words to it about the {slug}, one more each time",
            [HandLabel("dry", MARK, 0, 5)],
        )
        for n in range(passages)
    ]
    with workspace.ledger.transaction() as tx:
        tx.execute(
            "INSERT INTO events(id, key, kind, source, payload, created, updated) VALUES (?, ?, 'post', ?, '{}', 0, 0)"
            " ON CONFLICT DO NOTHING",
            (999, "k", slug),
        )
        tx.execute("UPDATE events SET state = 'done'")
        store(tx, 999, Document("git", "r", f"{slug}.md", "v", "c", slug, slug, "", None), excerpts)
        for (name,) in tx.execute("SELECT text_hash FROM passages").fetchall():
            tx.execute(
                "INSERT OR IGNORE INTO plain_versions VALUES (?, 'test', ?, '')",
                (name, keep_text(tx, f"plain {name}")),
            )


def test_a_crossing_makes_one_event(blog: Blog) -> None:
    """However often it is looked at, there is one retrain event; the next needs a new snapshot and new text."""
    blog.settings(QUIET + "[thresholds]\nmin_new_examples = 5\nmin_new_words = 10\nper_tone_minimum = 1\n")
    workspace = blog.workspace()
    fill(workspace, "kettle", 4)
    assert trigger.check(workspace) == []
    fill(workspace, "cat", 4)
    first = trigger.check(workspace)
    assert len(first) == 1
    assert trigger.check(workspace) == []
    rows = collect(workspace.ledger, workspace.config)
    with workspace.ledger.transaction() as tx:
        snapshot.freeze(tx, rows)
        tx.execute("UPDATE events SET state = 'refused' WHERE kind = ?", (RETRAIN,))
    assert trigger.check(workspace) == []
    fill(workspace, "boat", 6)
    assert len(trigger.check(workspace)) == 1


def test_rows_are_the_same_whenever_they_are_collected(blog: Blog) -> None:
    """Ids depend on content alone, and a passage that stands in two posts is one row."""
    blog.settings()
    workspace = blog.workspace()
    fill(workspace, "kettle", 4)
    once = [r.id for r in collect(workspace.ledger, workspace.config)]
    assert [r.id for r in collect(workspace.ledger, workspace.config)] == once
    assert len(set(once)) == 4
