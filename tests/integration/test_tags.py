"""Tags by hand: kept beside the post, found again after edits, the same on every machine that has the repository."""

from __future__ import annotations

import json
import random
import wave
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tonewright.corpus.rows import effective_tones

KETTLE = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
LOCK = "Nobody has mended the third lock since the spring, so the duchess waits there with her bicycle."
STOVE = "My stove burns what it is given, except for the manual, which it seems to have read."
POST = "_posts/2026-01-02-a.md"


@pytest.fixture
def ready(blog: Blog) -> Blog:
    """A post of three passages whose header says sincere, in the corpus."""
    blog.settings()
    blog.post("a", f"{KETTLE}\n\n# Locks\n\n{LOCK}\n\n{STOVE}", front="tone: sincere\n")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    return blog


def tones(blog: Blog) -> dict[str, str]:
    """{first word of a live passage: its effective tone by hand}."""
    workspace = blog.workspace()
    found = effective_tones(workspace.ledger, 0.5)
    rows = workspace.ledger.read(
        """SELECT p.id, t.text FROM passages p JOIN documents d ON d.id = p.document AND d.live
           JOIN texts t ON t.hash = p.text_hash"""
    )
    return {text.split()[0]: found[passage][0] for passage, text in rows if passage in found}


def listed(blog: Blog) -> dict[str, str]:
    """{tone: state} of what `tag --list` tells."""
    done = blog.tonewright("tag", "--list", "--json")
    return {tag["tone"]: tag["state"] for tag in json.loads(done.out)["tags"]}


def test_a_tag_counts_at_once_and_touches_no_post(ready: Blog) -> None:
    """By line, by words and for a whole post: the post keeps its bytes, and Git sees nothing but new files of tags."""
    before = (ready.root / POST).read_bytes()
    done = ready.tonewright("tag", f"{POST}:6", "dry")
    assert done.code == 0, done.err
    assert "tagged dry: _posts/2026-01-02-a.md:6 “The kettle" in done.out
    assert ready.tonewright("tag", f"{POST}:duchess WAITS there", "playful").code == 0
    assert tones(ready) == {"The": "dry", "Nobody": "playful", "My": "sincere"}
    assert ready.tonewright("tag", POST, "wistful").out.count("tagged wistful") == 3
    assert tones(ready) == {"The": "wistful", "Nobody": "wistful", "My": "wistful"}
    assert (ready.root / POST).read_bytes() == before
    assert ready.git("status", "--porcelain", "-uall").count("?? _tones/2") == 3
    assert ready.git("status", "--porcelain").split() == ["??", "_tones/"]


def test_what_cannot_be_tagged_is_refused_in_a_sentence(ready: Blog) -> None:
    """An unknown tone names the nearest; a heading, missing or doubtful words, and a file of no blog leave no trace."""
    ready.write("elsewhere.md", KETTLE)
    for words, code, told in (
        ((f"{POST}:6", "snrk"), 1, "did you mean snark"),
        ((f"{POST}:8", "dry"), 2, "passages begin at lines 6, 10, 12"),
        ((f"{POST}:no such words", "dry"), 2, "quote whole words"),
        ((f"{POST}:it", "dry"), 2, "quote a few more words"),
        (("nowhere.md:3", "dry"), 2, "there is no file"),
        (("elsewhere.md", "dry"), 2, "posts are in _posts"),
        ((f"{POST}:6",), 2, "needs a place and a tone"),
        ((f"{POST}:6", "--remove"), 3, "there is no tag"),
    ):
        done = ready.tonewright("tag", *words)
        assert (done.code, told in done.err) == (code, True), done.err
    assert ready.tonewright("tag", f"{POST}:6", "dry", "--dry-run").out.startswith("would tag dry")
    assert not (ready.root / "_tones").exists()
    ready.post("private", KETTLE, front="private: true\n")
    assert ready.tonewright("tag", "_posts/2026-01-02-private.md", "dry").code == 4


def test_the_latest_word_wins_and_can_be_taken_back(ready: Blog) -> None:
    """A second tag replaces the first, said again it is exit code 3, and without tags the header has the word."""
    for tone in ("dry", "snark"):
        assert ready.tonewright("tag", f"{POST}:6", tone).code == 0
    assert tones(ready)["The"] == "snark"
    assert ready.tonewright("tag", f"{POST}:6", "snark").code == 3
    assert listed(ready) == {"dry": "superseded", "snark": "stands"}
    assert ready.tonewright("tag", f"{POST}:6", "dry", "--remove").code == 3
    assert json.loads(ready.tonewright("tag", f"{POST}:6", "--remove", "--json").out)["removed"]
    assert tones(ready)["The"] == "sincere"
    assert ready.tonewright("tag", f"{POST}:6", "dry").code == 0
    assert tones(ready)["The"] == "dry"


def test_a_tag_survives_edits_moves_and_a_new_name(ready: Blog) -> None:
    """Moved, mended and renamed, the words keep their tag; rewritten they lose it, visibly, and get it back."""
    for line, tone in ((6, "dry"), (10, "snark"), (12, "wistful")):
        ready.tonewright("tag", f"{POST}:{line}", tone)
    ready.post(
        "a", f"{LOCK.replace('third', 'fourth')}\n\nA new one comes first, and is nobody's business.\n\n{KETTLE}"
    )
    ready.commit()
    ready.tonewright("up", "--once")
    assert tones(ready) == {"The": "dry", "Nobody": "snark"}
    assert listed(ready) == {"dry": "stands", "snark": "stands", "wistful": "unanchored"}
    ready.post("a", f"{KETTLE}\n\n{LOCK}\n\n{STOVE}")
    (ready.root / POST).rename(ready.root / "_posts" / "2026-03-04-b.md")
    ready.commit()
    ready.tonewright("up", "--once")
    assert tones(ready) == {"The": "dry", "Nobody": "snark", "My": "wistful"}
    assert ready.tonewright("tag", "_posts/2026-03-04-b.md:wistful", "dry").code == 2
    assert ready.tonewright("tag", "--remove", "_posts/2026-03-04-b.md:5").code == 0
    assert tones(ready) == {"Nobody": "snark", "My": "wistful"}
    (ready.root / "_posts" / "2026-03-04-b.md").unlink()
    ready.commit()
    ready.tonewright("up", "--once")
    told = ready.tonewright("tag", "--list", POST).out
    assert told.count("not in the corpus") == 2
    assert "Nobody has mended the third lock" in told


def test_marks_that_are_newer_than_a_tag_have_the_word(ready: Blog) -> None:
    """A tag stands above the marks that it saw; marks written since are the author's later decision."""
    ready.post("a", f"<snark>{KETTLE}</snark>")
    ready.commit()
    ready.tonewright("up", "--once")
    ready.tonewright("tag", f"{POST}:5", "dry")
    assert tones(ready) == {"The": "dry"}
    ready.post("a", f"<playful>{KETTLE}</playful>")
    ready.commit()
    ready.tonewright("up", "--once")
    assert tones(ready) == {"The": "playful"}
    assert listed(ready) == {"dry": "yields to a mark"}


def test_another_machine_knows_the_same(ready: Blog, tmp_path: Path) -> None:
    """A clone and one `up` give the same tones; a tag made before its post was committed counts with it."""
    ready.post("later", f"Later, {STOVE}", date="2026-02-02")
    done = ready.tonewright("tag", "_posts/2026-02-02-later.md", "snark")
    assert "once these words are in the corpus" in done.out
    assert listed(ready) == {"snark": "not in the corpus"}
    ready.tonewright("tag", f"{POST}:6", "dry")
    ready.commit()
    ready.tonewright("up", "--once")
    assert tones(ready) == {"The": "dry", "Nobody": "sincere", "My": "sincere", "Later,": "snark"}
    ready.git("clone", "-q", str(ready.root), str(tmp_path / "clone"))
    clone = Blog(tmp_path / "clone")
    state = {"TONEWRIGHT_STATE": str(tmp_path / "other")}
    assert clone.tonewright("up", "--once", env=state).code == 0
    told = json.loads(clone.tonewright("tones", "--json", env=state).out)
    assert told == json.loads(ready.tonewright("tones", "--json").out)


def test_the_working_tree_has_the_word(ready: Blog) -> None:
    """Tags that a checkout takes away do not count, and count again when it brings them back."""
    ready.tonewright("tag", f"{POST}:6", "dry")
    ready.commit()
    ready.tonewright("tag", f"{POST}:6", "--remove")
    ready.commit()
    for commit, tone in (("main~1", "dry"), ("main~2", "sincere"), ("main", "sincere"), ("main~1", "dry")):
        ready.git("checkout", "-q", commit)
        assert ready.tonewright("scan").code == 0
        assert tones(ready)["The"] == tone, commit


def test_another_folder_is_read_instead(ready: Blog) -> None:
    """After `git mv` and a changed setting the same tags count, once; where the folder is empty, none does."""
    ready.tonewright("tag", f"{POST}:6", "dry")
    ready.commit()
    ready.git("mv", "_tones", "hand")
    assert ready.tonewright("scan").code == 0
    assert tones(ready)["The"] == "sincere"
    ready.settings(QUIET + '[tones]\nfolder = "hand"\n')
    assert ready.tonewright("scan").code == 0
    assert tones(ready)["The"] == "dry"
    assert listed(ready) == {"dry": "stands"}


def test_broken_lines_are_named_and_the_others_count(ready: Blog) -> None:
    """A conflict marker and an unknown tone stand in `status` with file and line until they are mended."""
    ready.tonewright("tag", POST, "dry")
    (file,) = (ready.root / "_tones").rglob("*.jsonl")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "<<<<<<< HEAD", lines[1], lines[2].replace('"dry"', '"dri"')]))
    ready.tonewright("scan")
    (told,) = json.loads(ready.tonewright("status", "--json").out)["files"]
    name = f"_tones/{file.relative_to(ready.root / '_tones')}"
    assert f"{name}:2 is not JSON" in told["note"]
    assert f"unknown tone 'dri' at {name}:4: did you mean dry" in told["note"]
    assert tones(ready) == {"The": "dry", "Nobody": "dry", "My": "sincere"}
    file.write_text("\n".join(lines))
    ready.tonewright("scan")
    assert json.loads(ready.tonewright("status", "--json").out)["files"] == []
    assert tones(ready)["My"] == "dry"


def test_suggestions_stay_beside_and_are_measured(ready: Blog) -> None:
    """`tones` tells months, both hands and their agreement; a tag takes no suggestion away."""
    ledger = ready.workspace().ledger
    with ledger.transaction() as tx:
        for tone, number in (("dry", 1), ("snark", 2), ("dry", 3)):
            tx.execute(
                """INSERT INTO labels(text_hash, passage, origin, source, tone, confidence, created)
                   SELECT text_hash, id, 'machine', 'embedded 1-x', ?, 0.9, 0 FROM passages WHERE id = ?""",
                (tone, number),
            )
    ready.tonewright("tag", f"{POST}:6", "dry")
    ready.tonewright("tag", f"{POST}:10", "playful")
    told = json.loads(ready.tonewright("tones", "--json").out)
    assert told["months"] == [
        {
            "month": "2026-01",
            "passages": 3,
            "hand": {"dry": 1, "playful": 1, "sincere": 1},
            "machine": {"dry": 2, "snark": 1},
        }
    ]
    (tagger,) = told["taggers"]
    assert tagger["tagger"] == "embedded 1-x"
    assert tagger["with_hand"]["passages"] == 3
    assert tagger["with_hand"]["share"] == pytest.approx(1 / 3)
    assert tagger["with_hand"]["kappa"] == pytest.approx(1 / 7)
    shown = ready.tonewright("tones").out
    assert "████████ 2" in shown
    assert "you have agreed on 33% of the 3 decided since, kappa 0.14" in shown
    with ledger.transaction() as tx:  # the tagger that speaks after the author has learned from the author
        tx.execute("UPDATE labels SET created = 9e9 WHERE origin = 'machine' AND tone = 'snark'")
    assert "% of the 2 decided since" in ready.tonewright("tones").out


def test_words_from_outside_the_repository_stay_outside(blog: Blog, tmp_path: Path) -> None:
    """A voice note and an ignored draft are tagged by the hash of their words; no word of theirs can be committed."""
    notes = tmp_path / "notes"
    notes.mkdir()
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\nsettle_seconds = 0.2\n')
    blog.write(".gitignore", "_drafts/\n")
    blog.post("secret", KETTLE, folder="_drafts")
    assert blog.tonewright("tag", "_drafts/2026-01-02-secret.md", "dry").code == 0
    with wave.open(str(notes / "a.wav"), "wb") as out:
        out.setparams((1, 2, 16_000, 0, "NONE", ""))
        out.writeframes(bytes(random.Random(1).choices(range(256), k=96_000)))
    (notes / "a.txt").write_text(f"{LOCK}\n\n{STOVE}\n")
    assert blog.tonewright("up", "--once").code == 0
    done = blog.tonewright("tag", f"{notes / 'a.txt'}:waits there", "wistful")
    assert done.code == 0, done.err
    assert tones(blog) == {"Nobody": "wistful"}
    written = " ".join(file.read_text() for file in (blog.root / "_tones").rglob("*.jsonl"))
    assert not any(word in written for word in ("kettle", "duchess", "waits", "bicycle"))
