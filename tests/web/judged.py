"""A blog that has trained a voice once, as the ledger and the state folder would have it afterwards."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import Blog
from tonewright import runs
from tonewright.models import registry

RUN = "ab" * 8
LOSSES = [[step, round(3.0 - step / 20 + (0.6 if step % 7 == 0 else 0.0), 2)] for step in range(1, 31)]
METRICS = {"steps": 30, "seconds": 90, "heldout_loss_before": 2.9, "heldout_loss_after": 1.7, "losses": LOSSES}


def item(number: int) -> dict[str, Any]:
    """A held-out item with answers that tell nothing of who wrote them."""
    return {
        "id": f"item-{number}",
        "tone": "dry",
        "source": f"Kettle {number} is broken.",
        "author": f"Kettle {number} has handed in its notice.",
        "answers": {
            "prompted base": f"The kettle {number} broke.",
            "challenger": f"Kettle {number} gave up, as one does.",
        },
        "faults": {"prompted base": ["it lost number 3"], "challenger": []},
    }


def report(items: int) -> dict[str, Any]:
    """What the gate says of it."""
    return {
        "promote": True,
        "reasons": ["beats the prompted base"],
        "checks": [
            {"passed": True, "text": "beats the prompted base"},
            {"passed": False, "text": "recites <b>you</b>"},
        ],
        "items": [item(number) for number in range(items)],
    }


def trained(blog: Blog, items: int = 4) -> registry.Model:
    """One finished run and its model, which is champion and challenger."""
    workspace = blog.workspace()
    ledger = workspace.ledger
    folder = workspace.folder("models", RUN)
    (folder / "metrics.json").write_text(json.dumps(METRICS))
    (folder / "report.md").write_text("# Promoted\n")
    with ledger.transaction() as tx:
        tx.execute("INSERT INTO snapshots VALUES ('snap', '[]', ?)", (tx.now,))
        tx.execute(
            "INSERT INTO events(key, kind, source, payload, state, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ("k", "retrain", "corpus", "{}", "done", tx.now, tx.now),
        )
        event = tx.execute("SELECT id FROM events WHERE key = 'k'").fetchone()[0]
        runs.add(tx, runs.Run(RUN, "snap", event, "local", "smollm2-135m", "b" * 64, runs.FINISHED, {}, 0.0, 0.0))
        model = registry.add(tx, RUN, folder, "c" * 64, "promoted", report(items))
        registry.challenge(tx, model)
        registry.promote(tx, model)
    return registry.find(ledger, "champion")
