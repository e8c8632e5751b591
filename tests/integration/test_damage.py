"""Every format of a recording, spoiled in every way, ends in the right state with a reason, and is never written to."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("av")

from tests.conftest import QUIET, Blog, Tell
from tests.recordings import DAMAGES, KINDS, spoiled
from tests.watched import WORDS, Watch

SECONDS = 5.0
TAKEN, WARNED, WAITING, REFUSED = "taken", "taken with a warning", "waiting", "refused"

PCM = {"wav", "float.wav", "stereo.wav", "telephone.wav", "aiff", "caf"}
SILENT_ABOUT_LENGTH = {"aac", "bare.mp3", "amr"}  # a cut leaves a good, shorter recording: nobody can tell
TOLD_BY_DECODING = {"mp3", "flac", "webm"}  # the others' containers tell a cut before anything is taken


def expected(kind: str, damage: str) -> tuple[set[str], str]:
    """The states that are right, and what the reason must say."""
    if damage in ("none", "other name", "still growing"):
        return {TAKEN}, ""
    if damage == "cut in half" and kind in SILENT_ABOUT_LENGTH:
        return {TAKEN}, ""
    if damage in ("cut in half", "first bytes", "header only"):
        is_told = kind in SILENT_ABOUT_LENGTH | TOLD_BY_DECODING
        return ({REFUSED}, "") if is_told else ({WAITING}, "not whole")
    if damage == "zeros to the end":
        if kind in PCM:
            return {WARNED}, "exact zeros"
        if kind in SILENT_ABOUT_LENGTH:
            return {WARNED}, "never written"
        is_framed = kind in TOLD_BY_DECODING | {"front.m4a", "alac.caf"}
        return ({REFUSED}, "") if is_framed else ({WAITING}, "never written")
    if damage == "scratched":
        return ({TAKEN}, "") if kind in PCM else ({WARNED, REFUSED}, "")
    reasons = {
        "random bytes": "not audio",
        "a letter": "not audio",
        "silent": "is silent",
        "a click": "too short",
        "too long": "longer than 0.1 minutes",
        "a film": "no audio stream",
    }
    return ({WAITING}, "is empty") if damage == "empty" else ({REFUSED}, reasons[damage])


def found(watch: Watch, name: str) -> tuple[str, str]:
    """The state of one recording, as the author is told it, and the reason."""
    state, reason = watch.files().get(name, ("not seen", ""))
    if state in ("arriving", "attention"):
        return WAITING, reason
    told = watch.workspace.ledger.read(
        "SELECT state, note FROM events WHERE kind = 'note' AND source LIKE ? ORDER BY id DESC LIMIT 1", (f"%/{name}",)
    )
    if not told:
        return state, reason
    state, note = told[0]
    if state == "done":
        return (WARNED if "; " in note else TAKEN), note
    return (REFUSED if state == "failed" else state), note


def spoil_all(blog: Blog, notes: Path, kinds: list[str], damages: list[str]) -> tuple[Counter[str], list[str]]:
    """Drop every kind with every damage into one folder; returns how often each state came out, and what was wrong."""
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\nlongest_minutes = 0.1\n')
    watch = Watch(blog.workspace())
    cases: dict[str, tuple[str, str]] = {}
    growing: dict[Path, bytes] = {}
    for number, kind in enumerate(kinds):
        for damage in damages:
            name = f"n{number}-{damages.index(damage)}.{kind}"
            data = spoiled(notes / name, kind, damage, SECONDS)
            if damage == "other name":
                (notes / name).unlink()
                name = f"{Path(name).stem}{'.mp3' if kind != 'mp3' else '.m4a'}"
            (notes / name).with_suffix(".txt").write_text(WORDS)
            (notes / name).write_bytes(data if damage != "still growing" else data[: len(data) // 3])
            cases[name] = (kind, damage)
            if damage == "still growing":
                growing[notes / name] = data
    watch.look()
    for file, data in growing.items():
        file.write_bytes(data)
    watch.look(after=10)
    wrong = [f"{file.name} was taken while it grew" for file in growing if found(watch, file.name)[0] == TAKEN]
    before = {name: hashlib.sha256((notes / name).read_bytes()).digest() for name in cases}
    watch.look(after=10)
    watch.look(after=60)
    watch.states()
    counts: Counter[str] = Counter()
    for name, (kind, damage) in cases.items():
        state, reason = found(watch, name)
        right, says = expected(kind, damage)
        counts[state] += 1
        if state not in right or says not in reason or (state in (WAITING, REFUSED) and name not in reason):
            wrong.append(f"{kind}, {damage}: {state} ({reason})")
        if hashlib.sha256((notes / name).read_bytes()).digest() != before[name]:
            wrong.append(f"{kind}, {damage}: its bytes were changed")
    return counts, wrong


def test_spoiled_recordings_end_in_the_right_state(blog: Blog, notes: Path) -> None:
    """A phone's m4a and a messenger's ogg, spoiled in every way."""
    _, wrong = spoil_all(blog, notes, ["m4a", "ogg"], list(DAMAGES))
    assert wrong == []


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_every_format_with_every_damage(blog: Blog, notes: Path, tell: Tell) -> None:
    """Every format that we can encode, with every damage: the right state for each, and no original is touched."""
    counts, wrong = spoil_all(blog, notes, list(KINDS), list(DAMAGES))
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    tell(f"{len(KINDS)} formats x {len(DAMAGES)} damages: {told}; {len(wrong)} in a wrong state")
    assert wrong == []
