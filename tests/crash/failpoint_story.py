"""What a ledger, a corpus and a registry go through, step by step, in a way that can be taken up again anywhere."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.run import HANDLERS
from tonewright.config.schema import Config, Pairs, Tagger
from tonewright.corpus.export import export
from tonewright.corpus.rows import collect
from tonewright.events import POST, NewEvent
from tonewright.ledger.leases import due, lease, release_dead
from tonewright.ledger.schema import MIGRATIONS
from tonewright.models import registry
from tonewright.workspace import Workspace

Tell = Callable[..., None]  # called with what has just been acknowledged

PLACE = "writing"
FIRST = {
    "kettle.md": "---\ntitle: Kettle\ntone: dry\nsummary: The kettle is done for, and tea is made in a pan.\n---\n\n"
    "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan.\n",
    "lock.md": "---\ntitle: Lock\n---\n\nNobody on the towpath believes in instructions, so the lock was left open.\n",
    "cat.md": "---\ntitle: Cat\ntone: wistful\n---\n\nThe cat moved in on Sunday and nobody has asked her to leave.\n",
}
SECOND = {
    "kettle.md": FIRST["kettle.md"].replace("Tuesday", "Friday, on the stroke of nine"),  # an edit
    "lock.md": "",  # gone
    "cat.md": FIRST["cat.md"].replace("title", "published: false\ntitle"),  # private again
    "rope.md": "---\ntitle: Rope\ntone: plain\nsummary: A new rope.\n---\n\n"
    + "\n\n".join(f"The rope of winch {n} was changed today, and it took the whole crew an hour." for n in range(4)),
}
CHAMPIONS = [1, 2, 1]  # the first model, the second, and back again


def template(folder: Path) -> None:
    """A state folder as the first release left it: a ledger of version 1 with work done and work waiting."""
    (folder / "store").mkdir(parents=True)
    (folder / "corpus").mkdir()
    for text in filter(None, (*FIRST.values(), *SECOND.values())):
        (folder / "store" / _version(text)).write_text(text, encoding="utf-8")
    db = sqlite3.connect(folder / "ledger.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript(MIGRATIONS[0])
    for number, state in ((1, "done"), (2, "pending")):
        db.execute(
            """INSERT INTO events(key, kind, source, payload, state, created, updated)
               VALUES (?, 'push', 'origin/main', '{"commit": "0123456789abcdef"}', ?, 0, 0)""",
            (f"old event {number}", state),
        )
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()


def workspace(folder: Path) -> Workspace:
    """The blog whose state is in `folder`; no model is needed for what it is asked to do."""
    return Workspace(folder, Config(tagger=Tagger(use="none"), pairs=Pairs(use="rules")), folder)


def play(blog: Workspace, tell: Tell) -> None:
    """The whole story. Raises whatever the product raises; played again, it goes on where it was left."""
    tell("version", blog.ledger.read("PRAGMA user_version")[0][0])
    release_dead(blog.ledger, set())
    for number, chapter in enumerate((FIRST, SECOND), 1):
        announce(blog, chapter, tell)
        work(blog, tell)
        export(blog.ledger, collect(blog.ledger, blog.config), blog.state / "corpus" / "corpus.jsonl")
        tell("export", number)
    _promote(blog, tell)
    blog.ledger.close()  # SQLite moves its log into the file now


def _version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def announce(blog: Workspace, posts: dict[str, str], tell: Tell) -> None:
    """Events and what the scanner saw, in one transaction, like the scanners themselves."""
    events = []
    with blog.ledger.transaction() as tx:
        for path, text in posts.items():
            version = _version(text)
            payload = {"origin": "folder", "place": PLACE, "path": path, "version": version, "commit": ""}
            events.append(NewEvent(POST, path, version or "gone", payload))
            if tx.add(events[-1]) is not None:
                tx.execute("INSERT OR REPLACE INTO current_posts VALUES (?, ?, ?, '')", (PLACE, path, version))
    tell("events", [event.key for event in events])


def work(blog: Workspace, tell: Tell) -> None:
    """Every event from lease to end, and those that follow from it."""
    while ready := due(blog.ledger):
        for event in ready:
            held = lease(blog.ledger, event, "sweep")
            if held is not None:
                HANDLERS[held.event.kind](blog, held)
                tell("finished", held.event.key)


def _promote(blog: Workspace, tell: Tell) -> None:
    """Two models, one after the other, and the way back."""
    with blog.ledger.transaction() as tx:
        tx.execute("INSERT OR IGNORE INTO snapshots VALUES ('snapshot', '[]', 0)")
        for name in ("first", "second"):
            tx.execute(
                "INSERT OR IGNORE INTO runs VALUES (?, 'snapshot', NULL, 'local', '{}', 'base', 'done', '{}', 0, 0)",
                (name,),
            )
    for model, name in enumerate(("first", "second"), 1):
        with blog.ledger.transaction() as tx:
            registry.add(tx, name, Path("models") / name, "0" * 64, "promoted", {"kept": 1.0})
            registry.promote(tx, model)
        tell("champion", model)
    tell("champion", registry.rollback(blog.ledger).id)


TABLES = {
    # How many plain versions an event wrote itself depends on how many an earlier attempt had kept already.
    "events": """SELECT e.key, e.kind, e.source, e.payload, e.state, iif(e.kind = 'pair', '', e.note), p.key
                 FROM events e LEFT JOIN events p ON p.id = e.parent ORDER BY e.key""",
    "ends": """SELECT e.key, h.state, iif(e.kind = 'pair', '', h.note) FROM history h JOIN events e ON e.id = h.event
               WHERE h.note NOT LIKE 'its worker died%' ORDER BY e.key, h.id""",
    "posts": "SELECT * FROM current_posts ORDER BY path",
    "documents": """SELECT d.path, d.version, d.title, d.summary_hash, d.live, e.key
                    FROM documents d JOIN events e ON e.id = d.event ORDER BY d.path, d.version""",
    "passages": """SELECT d.path, d.version, p.span_start, p.span_end, p.line, p.text_hash, p.words, l.tone, l.source
                   FROM passages p JOIN documents d ON d.id = p.document LEFT JOIN labels l ON l.passage = p.id
                   ORDER BY d.path, d.version, p.span_start""",
    "texts": "SELECT * FROM texts ORDER BY hash",
    "plain": "SELECT * FROM plain_versions ORDER BY text_hash",
    "exports": "SELECT lines, sha256 FROM exports",
    "models": "SELECT id, run, folder, verdict FROM models ORDER BY id",
    "aliases": "SELECT name, model FROM aliases ORDER BY name",
    "version": "PRAGMA user_version",
}


def state(folder: Path) -> dict[str, Any]:
    """Everything that must not depend on where the story was interrupted: rows without their times, and files."""
    db = sqlite3.connect(folder / "ledger.db")
    found: dict[str, Any] = {name: db.execute(query).fetchall() for name, query in TABLES.items()}
    db.close()
    with sqlite3.connect(folder / "ledger.v1.backup") as backup:
        found["backup"] = backup.execute("SELECT key, state FROM events ORDER BY id").fetchall()
    backup.close()
    found["corpus"] = (folder / "corpus" / "corpus.jsonl").read_bytes()
    found["files"] = sorted(f.name for f in folder.rglob("*") if f.is_file() and not f.name.startswith("ledger.db"))
    return found


def fresh(source: Path, folder: Path) -> Workspace:
    """A copy of the template in `folder`, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    return workspace(folder)
