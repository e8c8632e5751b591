"""When a retrain is worth it: rules with their counts, and the one event that a crossing makes."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from tonewright.config.schema import Thresholds
from tonewright.corpus.rows import Row, collect
from tonewright.corpus.snapshot import Snapshot, latest
from tonewright.events import NOTE, PAIR, POST, RETRAIN, REVISION, TAG, NewEvent
from tonewright.ledger import story
from tonewright.workspace import Workspace

CAPTURE = (POST, NOTE, REVISION, TAG, PAIR)


@dataclass(frozen=True)
class Rule:
    """One line of `tonewright retrain --why`."""

    name: str
    have: str
    need: str
    met: bool
    missing: str = ""
    share: float = 0.0  # of the way there, 0 to 1


@dataclass(frozen=True)
class Decision:
    """All rules, and what follows from them."""

    rules: list[Rule]
    fires: bool
    because: str
    baseline: str  # the snapshot that "new" is counted from, or "none"


def decide(
    thresholds: Thresholds,
    rows: list[Row],
    baseline: Snapshot | None,
    pushed_since: bool,
    busy: int,
    now: float,
) -> Decision:
    """Look at the counts. Fires when

    - examples, words and tones have all crossed, or something is new and the last snapshot is older than
      `max_age_days`; and
    - a push was seen since the last snapshot, where `on_push` asks for one; and
    - nothing is on its way into the corpus any more, so that one run takes all of it.
    """
    known = baseline.row_ids if baseline else frozenset()
    train = [r for r in rows if not r.held_out]
    new = [r for r in train if r.id not in known]
    amount = [
        _at_least("min_new_examples", len(new), thresholds.min_new_examples, "new examples"),
        _at_least("min_new_words", sum(r.words for r in new), thresholds.min_new_words, "new words"),
        _per_tone(train, thresholds.per_tone_minimum),
    ]
    age = _age(thresholds.max_age_days, baseline, bool(new), now)
    push = Rule(
        "on_push",
        "a push" if pushed_since else "none",
        "a push since the last run",
        pushed_since,
        "push",
        float(pushed_since),
    )
    quiet = Rule("settled", f"{busy} on their way", "0 on their way", busy == 0, "wait", float(busy == 0))
    enough = all(r.met for r in amount)
    rules = [*amount, age, *([push] if thresholds.on_push else []), quiet]
    ready = quiet.met and (push.met or not thresholds.on_push)
    fires = bool(new) and (enough or age.met) and ready
    because = "enough is new" if enough else "something is new and the last run is old" if age.met else ""
    return Decision(rules, fires, because if fires else "", baseline.id if baseline else "none")


def look(workspace: Workspace) -> Decision:
    """The decision for the corpus as it is now."""
    ledger = workspace.ledger
    baseline = latest(ledger)
    since = baseline.created if baseline else 0.0
    pushed = bool(ledger.read("SELECT 1 FROM events WHERE kind = 'push' AND created > ? LIMIT 1", (since,)))
    busy = story.unfinished(ledger, CAPTURE)
    rows = collect(ledger, workspace.config)
    return decide(workspace.config.thresholds, rows, baseline, pushed, busy, time.time())


def check(workspace: Workspace, cause: int | None = None) -> list[int]:
    """Add the retrain event if a threshold has been crossed; returns its id, once.

    The event is keyed by the snapshot that it starts from, so however many workers see the crossing, and however
    often, there is one event; the next can only come after the next snapshot.
    """
    ledger = workspace.ledger
    running = ledger.read("SELECT 1 FROM events WHERE kind = ? AND state IN ('pending', 'leased')", (RETRAIN,))
    if running or story.unfinished(ledger, CAPTURE):
        return []
    decision = look(workspace)
    if not decision.fires:
        return []
    event = NewEvent(RETRAIN, "corpus", f"after {decision.baseline}", {"because": decision.because})
    return ledger.add([event], parent=cause)


def _at_least(name: str, have: int, need: int, what: str) -> Rule:
    missing = f"{max(0, need - have)} more"
    return Rule(name, f"{have} {what}", f"{need}", have >= need, missing, min(1.0, have / max(1, need)))


def _per_tone(rows: list[Row], need: int) -> Rule:
    counts = Counter(r.tone for r in rows if r.tone)
    short = {tone: need - n for tone, n in counts.items() if n < need}
    have = ", ".join(f"{tone} {n}" for tone, n in counts.most_common()) or "no tones yet"
    missing = ", ".join(f"{n} more {tone}" for tone, n in sorted(short.items()))
    share = min([1.0, *(n / need for n in counts.values() if need)]) if counts or not need else 0.0
    return Rule("per_tone_minimum", have, f"{need} of each", not short, missing, share)


def _age(days: float, baseline: Snapshot | None, anything: bool, now: float) -> Rule:
    if not days or baseline is None:
        return Rule(
            "max_age_days",
            "no run yet" if baseline is None else "off",
            f"{days:g} days",
            False,
            "a first run",
        )
    age = (now - baseline.created) / 86400
    met = age >= days and anything
    return Rule(
        "max_age_days",
        f"{age:.1f} days",
        f"{days:g} days and anything new",
        met,
        f"{max(0.0, days - age):.1f} days",
        min(1.0, age / days),
    )
