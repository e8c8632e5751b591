"""A note is listened to after its words are taken: numbers, evidence and hints, told in the ledger and by `notes`."""

from __future__ import annotations

import json
import random
import wave
from pathlib import Path

import pytest

pytest.importorskip("av")

from tasks.listen import catch_up
from tests.conftest import Blog
from tests.synthetic import RATE, Said, speech, words
from tests.watched import Watch
from tonewright.ledger.leases import retry
from tonewright.notes.prosody import EXTRACTOR


def record(file: Path, sentences: list[Said]) -> None:
    """A recording of these sentences, with its transcript."""
    samples, _ = speech(sentences)
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    file.with_suffix(".txt").write_text(" ".join(words(s.syllables) for s in sentences) + "\n")


def usual(count: int, seed: int) -> list[Said]:
    draw = random.Random(seed)
    return [
        Said(draw.randint(8, 12), draw.uniform(4.7, 5.3), draw.gauss(120, 3), draw.gauss(5, 0.7)) for _ in range(count)
    ]


def told(watch: Watch, name: str) -> tuple[str, str]:
    """State and note of the event that listened to this recording."""
    watch.states()
    return watch.workspace.ledger.read(
        "SELECT state, note FROM events WHERE kind = 'prosody' AND source LIKE ? ORDER BY id DESC", (f"%{name}",)
    )[0]


def test_a_note_gets_numbers_a_line_in_its_story_and_later_a_hint(watch: Watch, notes: Path, blog: Blog) -> None:
    """Three ordinary notes make a baseline; the fourth, slow and flat, is said to be, and hints at a tone."""
    for number in range(3):
        record(notes / f"day{number}.wav", usual(11, number))
        assert watch.take() == 1
        state, note = told(watch, f"day{number}.wav")
        assert state == "done"
        assert note.startswith("11 sentences: no baseline yet")
    record(notes / "tired.wav", [Said(10, 3.5, span=1.0)] * 4)
    assert watch.take() == 1
    state, note = told(watch, "tired.wav")
    assert state == "done"
    assert "slower than your usual" in note
    assert "flat range" in note
    assert "sounds dry" in note

    hints = watch.workspace.ledger.read("SELECT origin, source, tone, confidence, evidence FROM labels")
    assert [(o, s, t) for o, s, t, _, _ in hints] == [("machine", f"prosody {EXTRACTOR}", "dry")]
    assert hints[0][3] < watch.workspace.config.tagger.threshold
    assert "flat range" in hints[0][4]

    story = blog.tonewright("log", "tired.wav").out
    assert story.index("note") < story.index("slower than your usual")
    listing = blog.tonewright("notes").out.splitlines()
    assert len(listing) == 4
    assert "40 words" in listing[-1]
    assert "4 sentences" in listing[-1]
    assert "slower than your usual" in listing[-1]
    sentences = blog.tonewright("notes", "tired.wav").out.splitlines()[1:]
    assert len(sentences) == 4
    assert all("flat range" in line and "La la" in line and any(b in line for b in "▃▄▅▆") for line in sentences)


def test_sentences_are_tied_to_passages_and_to_the_recording(watch: Watch, notes: Path, blog: Blog) -> None:
    """Every sentence lies in a passage of its document and has its times, in order; JSON tells the same."""
    record(notes / "boat.wav", usual(3, 1))
    watch.take()
    assert told(watch, "boat.wav")[0] == "done"
    tied = watch.workspace.ledger.read(
        """SELECT s.begin_s, s.until_s FROM prosody s
           JOIN documents d ON d.version = s.audio || '+' || s.transcript AND d.live = 1
           JOIN passages p ON p.document = d.id AND p.span_start <= s.span_start AND s.span_end <= p.span_end
           ORDER BY s.span_start"""
    )
    assert len(tied) == 3
    assert sorted(tied) == tied
    (note,) = json.loads(blog.tonewright("notes", "--json", "boat.wav").out)["notes"]
    assert [(s["begin"], s["until"]) for s in note["measured"]] == tied
    assert all(4 < s["features"]["rate"] < 6 for s in note["measured"])
    assert blog.tonewright("notes", "nothing.wav").code == 2


def test_listening_again_changes_nothing(watch: Watch, notes: Path) -> None:
    """The same recording measured twice leaves the same rows, once."""
    record(notes / "boat.wav", usual(3, 1))
    watch.take()
    told(watch, "boat.wav")
    everything = "SELECT * FROM prosody", "SELECT audio, seconds, bare FROM heard", "SELECT tone FROM labels"
    before = [watch.workspace.ledger.read(sql) for sql in everything]
    (event,) = watch.workspace.ledger.read("SELECT id FROM events WHERE kind = 'prosody'")[0]
    with watch.workspace.ledger.transaction() as tx:
        tx.execute("UPDATE events SET state = 'failed' WHERE id = ?", (event,))
        retry(tx, event)
    assert told(watch, "boat.wav")[0] == "done"
    assert [watch.workspace.ledger.read(sql) for sql in everything] == before


def test_a_note_that_changed_is_not_listened_to_for_its_old_words(watch: Watch, notes: Path) -> None:
    """What was replaced before anyone listened is superseded, and its successor is measured."""
    record(notes / "boat.wav", usual(2, 1))
    watch.take()
    told(watch, "boat.wav")
    ledger = watch.workspace.ledger
    with ledger.transaction() as tx:  # as if the listener had been slow
        tx.execute("DELETE FROM prosody")
        tx.execute("UPDATE events SET state = 'pending' WHERE kind = 'prosody'")
        tx.execute("UPDATE documents SET live = 0")
    assert told(watch, "boat.wav") == ("superseded", "the note has changed or moved since")
    assert ledger.read("SELECT count(*) FROM prosody") == [(0,)]


@pytest.mark.parametrize("damage", ["half", "text", "silent"])
def test_what_cannot_be_heard_is_not_listened_to(watch: Watch, notes: Path, damage: str) -> None:
    """A damaged recording ends in its own clear state, and no listening follows from it."""
    file = notes / "boat.wav"
    record(file, usual(2, 1))
    whole = file.read_bytes()
    content = {
        "half": whole[: len(whole) // 2],
        "text": b"a letter " * 100,
        "silent": whole[:44] + bytes(len(whole) - 44),
    }
    file.write_bytes(content[damage])
    watch.take()
    states = watch.states()
    assert all(state == "failed" and "boat.wav" in note for state, note in states)
    assert states or watch.files()["boat.wav"][0] in ("arriving", "attention")
    assert watch.workspace.ledger.read("SELECT 1 FROM events WHERE kind = 'prosody'") == []


def test_captions_leave_a_word_about_what_they_miss(watch: Watch, notes: Path) -> None:
    """Speech between two captions is told in the event's note, with its time."""
    file = notes / "boat.wav"
    record(file, [Said(10)] * 3)
    file.with_suffix(".txt").unlink()
    file.with_suffix(".srt").write_text(
        f"1\n00:00:00,250 --> 00:00:02,250\n{words(10)}\n\n2\n00:00:05,250 --> 00:00:07,250\n{words(10)}\n"
    )
    watch.take()
    state, note = told(watch, "boat.wav")
    assert state == "done"
    assert "no words for 2.0 s of speech at 2." in note


def test_notes_that_came_before_are_caught_up_with(watch: Watch, notes: Path, blog: Blog) -> None:
    """A note that nobody has listened to (it came in under an earlier version) is wished for once, and heard."""
    record(notes / "old.wav", usual(11, 1))
    watch.take()
    watch.states()
    ledger = watch.workspace.ledger
    with ledger.transaction() as tx:
        for table in ("heard", "prosody"):
            tx.execute(f"DELETE FROM {table}")
        tx.execute("DELETE FROM history WHERE event IN (SELECT id FROM events WHERE kind = 'prosody')")
        tx.execute("DELETE FROM events WHERE kind = 'prosody'")
    assert len(catch_up(watch.workspace)) == 1
    assert catch_up(watch.workspace) == []
    assert told(watch, "old.wav")[0] == "done"
    assert catch_up(watch.workspace) == []
