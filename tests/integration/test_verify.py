"""`corpus verify` finds what is wrong with a corpus, each kind of damage by its own sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Blog
from tests.integration.corpus_life import Life, begin
from tonewright.corpus.documents import text_hash


@pytest.fixture
def life(blog: Blog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Posts, a file, an export and a run."""
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))
    life = begin(blog, tmp_path / "writing")
    life.post("boat", "heron", "otter", summary="About the grebe and its many ducklings.")
    life.note("lamp", "bittern", "swallow")
    life.look()
    life.train("run-1")
    return life


def sql(*statements: str) -> Callable[[Life], None]:
    """Damage to the ledger."""

    def damage(life: Life) -> None:
        with life.workspace.ledger.transaction() as tx:
            for statement in statements:
                tx.execute(statement)

    return damage


def replaced(pattern: str, old: bytes, new: bytes) -> Callable[[Life], None]:
    """Damage to a file below the state folder."""

    def damage(life: Life) -> None:
        for file in life.workspace.state.glob(pattern):
            file.write_bytes(file.read_bytes().replace(old, new, 1))

    return damage


def cut(pattern: str) -> Callable[[Life], None]:
    """The last bytes of a file are lost."""

    def damage(life: Life) -> None:
        for file in life.workspace.state.glob(pattern):
            file.write_bytes(file.read_bytes()[:-40] + b"\n")

    return damage


def returned(life: Life) -> None:
    """A forgotten text stands in the ledger again."""
    text = "What was forgotten is here once more, word for word."
    with life.workspace.ledger.transaction() as tx:
        tx.execute("INSERT INTO forgotten VALUES (?, 'text', 'x', 0)", (text_hash(text),))
        tx.execute("INSERT INTO texts VALUES (?, ?)", (text_hash(text), text))


DAMAGE: dict[str, tuple[Callable[[Life], None], str]] = {
    "a text": (sql("UPDATE texts SET text = text || '!' WHERE text LIKE '%heron%'"), "not what its hash says"),
    "a text lost": (sql("DELETE FROM texts WHERE text LIKE '%otter%'"), "has no text"),
    "a span": (sql("UPDATE passages SET span_start = span_start + 1 WHERE id = 1"), "does not say"),
    "a passage lost": (
        sql("DELETE FROM labels", "DELETE FROM passages WHERE id = (SELECT max(id) FROM passages)"),
        "a passage is missing",
    ),
    "a post lost": (sql("UPDATE documents SET live = 0 WHERE origin = 'git'"), "does not have it as it stands"),
    "a copy": (replaced("store/*", b"bittern", b"biztern"), "is not what its name says"),
    "an export torn": (cut("corpus/corpus.jsonl"), "is no row"),
    "an export changed": (replaced("corpus/corpus.jsonl", b"heron", b"egret"), "is not what was exported"),
    "a snapshot changed": (replaced("runs/*/train.jsonl", b"otter", b"stoat"), "was changed after it was frozen"),
    "a snapshot cut": (replaced("runs/*/*.jsonl", b"\n", b""), "is no row"),
    "a forgotten text": (returned, "forgotten texts are still in"),
}


def test_a_sound_corpus_and_an_older_export(life: Life) -> None:
    """Nothing is wrong (0); a post that came since the export is worth a remark and no fault."""
    done = life.blog.tonewright("corpus", "verify")
    assert (done.code, done.out.count("✓"), done.out.count("✗")) == (0, 1, 0)
    life.post("rain", "coot")
    life.look()
    done = life.blog.tonewright("corpus", "verify", "--json")
    told = json.loads(done.out)
    assert (done.code, told["sound"], len(told["remarks"])) == (0, True, 1)
    assert "older than the corpus" in told["remarks"][0]


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(life: Life, kind: str) -> None:
    """Planted damage ends with 1 and the sentence for its kind."""
    damage, sentence = DAMAGE[kind]
    damage(life)
    done = life.blog.tonewright("corpus", "verify")
    assert done.code == 1
    assert sentence in done.out


def test_an_export_that_was_cut_short_is_older_and_not_foreign(life: Life, tmp_path: Path) -> None:
    """When a second export cannot be written, the first is whole, is no fault, and still ours to forget from."""
    out = tmp_path / "out.jsonl"
    assert life.blog.tonewright("corpus", "export", str(out)).code == 0
    before = out.read_bytes()
    life.post("rope", "kestrel")
    life.look()
    aside = tmp_path / "out.jsonl.part"
    aside.mkdir()
    assert life.blog.tonewright("corpus", "export", str(out)).code == 1
    assert out.read_bytes() == before
    told = life.blog.tonewright("corpus", "verify")
    assert (told.code, f"{out} is older than the corpus" in told.out) == (0, True), told
    aside.rmdir()
    forgotten = life.blog.tonewright("corpus", "forget", "_posts/2026-01-02-boat.md", "--yes")
    assert forgotten.code == 0 and "was changed since" not in forgotten.out
    assert b"heron" not in out.read_bytes()
