"""A blog and a folder whose every passage holds a word of its own, a run that was trained on them, and a search."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from hooks import commits
from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tonewright import runs
from tonewright.corpus import snapshot
from tonewright.corpus.documents import text_hash
from tonewright.corpus.export import export
from tonewright.corpus.rows import collect_with_reasons
from tonewright.models import registry
from tonewright.repository import Repository
from tonewright.tones.exemplars import ended
from tonewright.workspace import Workspace, cache_folder
from watchers.loop import scan_all
from watchers.settle import Settling

RULES = QUIET.replace('[pairs]\nuse = "none"', '[pairs]\nuse = "rules"')
WORDS = (
    *("kettle", "lock", "cat", "towpath", "stove", "lamp", "rope", "winch"),
    *("bell", "duchess", "meter", "barge", "tea", "pan", "rain", "bridge"),
)


def passage(canary: str, number: int) -> str:
    """A paragraph like no other, with `canary` in it."""
    picked = [WORDS[(number * step + step) % len(WORDS)] for step in (1, 3, 5, 7, 11)]
    return (
        f"The {picked[0]} of {canary} {number} gave up on the {picked[1]}, and {picked[2]} said nothing of {canary} "
        f"to the {picked[3]} before {canary} number {number} and the {picked[4]} went home."
    )


@dataclass
class Life:
    """A workspace with its blog, and a plain folder that it watches."""

    blog: Blog
    folder: Path
    workspace: Workspace

    def look(self) -> None:
        """Scan everything and work it off."""
        commits.scan(self.workspace, Repository(self.blog.root))
        scan_all(self.workspace, Settling(0.0))
        drain(self.workspace)

    def post(self, slug: str, *canaries: str, summary: str = "") -> str:
        """Commit a post with one passage for each canary; returns its path."""
        front = f"summary: {summary}\n" if summary else ""
        self.blog.post(slug, "\n\n".join(passage(c, n) for n, c in enumerate(canaries)), front)
        self.blog.commit(f"post {slug}")
        return f"_posts/2026-01-02-{slug}.md"

    def note(self, name: str, *canaries: str) -> Path:
        """The same as a file of the folder."""
        file = self.folder / f"{name}.md"
        file.write_text(
            f"---\ntitle: {name}\n---\n\n" + "\n\n".join(passage(c, n) for n, c in enumerate(canaries)) + "\n"
        )
        return file

    def train(self, name: str) -> None:
        """What a finished run leaves behind, without the training; nothing of an empty corpus."""
        rows = collect_with_reasons(self.workspace.ledger, self.workspace.config).rows
        if not rows:
            return
        made = self.workspace.folder("runs", name)
        parts = snapshot.divided(rows, second=bool)
        snapshot.write(parts, made)
        export(self.workspace.ledger, rows, self.workspace.folder("corpus") / "corpus.jsonl")
        copy = cache_folder() / "host" / "jobs" / name
        copy.mkdir(parents=True, exist_ok=True)
        snapshot.write(parts, copy)
        out = self.workspace.folder("models", name)
        report = {
            "promote": True,
            "reasons": [f"it said “{rows[0].answer}”"],
            "systems": {"challenger": {"run": rows[0].answer}},
            "items": [{"id": r.id, "author": r.answer} for r in rows],
        }
        (out / "report.md").write_text("\n".join(r.answer for r in rows))
        (out / "report.html").write_text("\n".join(r.answer for r in rows))
        (out / "report.json").write_text(json.dumps(report, ensure_ascii=False))
        (out / "adapter.gguf").write_bytes(b"adapter")
        with self.workspace.ledger.transaction() as tx:
            frozen = snapshot.freeze(tx, [row for part in parts.values() for row in part])
            event = tx.execute("SELECT min(id) FROM events").fetchone()[0]
            runs.add(tx, runs.Run(name, frozen.id, event, "local", "r", "b", runs.FINISHED, {}, tx.now, tx.now))
            model = registry.add(tx, name, out, "0" * 64, "promoted", report)
            registry.promote(tx, model)

    def remember_vectors(self) -> Path:
        """Vectors of every text, as the tagger keeps them."""
        file = cache_folder() / "vectors" / "base.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("CREATE TABLE IF NOT EXISTS vectors (text TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID")
            for (text,) in self.workspace.ledger.read("SELECT text FROM texts"):
                db.execute("INSERT OR IGNORE INTO vectors VALUES (?, x'00')", (text_hash(ended(text)),))
        return file


def holding(words: str | Iterable[str], *folders: Path) -> list[str]:
    """The files below `folders` whose bytes hold a word, or any of some.

    A process of its own looks: whoever closes a database's file drops the locks of all its connections in the same
    process, and the next one to open it would take it for abandoned.
    """
    there = [str(folder) for folder in folders if folder.is_dir()]
    sought = "\n".join([words] if isinstance(words, str) else words)
    if not sought or not there:
        return []
    found = subprocess.run(["grep", "-rlaF", "--", sought, *there], capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return sorted(found.stdout.splitlines())


def begin(blog: Blog, folder: Path) -> Life:
    """An empty life with plain versions by rule; a retrain that is queued waits for a base that is not there."""
    folder.mkdir()
    blog.settings(RULES.replace("[blog]", f'[blog]\nfolders = ["{folder}"]') + '[model]\nbase = "/nowhere.gguf"\n')
    return Life(blog, folder, blog.workspace())
