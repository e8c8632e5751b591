"""What a retrain goes through from its event to its promotion, in a way that can be taken up again anywhere.

The parts are the real ones but for three: PyTorch is a stand-in that is only asked for its version, the trainer finds
its work done (what it would do is the subject of other tests), and llama.cpp and the gate say yes without a model.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from tasks import retrain
from tests.crash import failpoint_story as corpus
from tests.crash.failpoint_story import Tell
from tonewright import runs
from tonewright.config.schema import Config, Model, Pairs, Tagger, Training
from tonewright.events import RETRAIN, NewEvent
from tonewright.hosts import LOCAL, settings_for
from tonewright.ledger.leases import Lease, due, lease, release_dead
from tonewright.models import registry
from tonewright.remote import courier
from tonewright.remote.host import open_host
from tonewright.workspace import Workspace

CHAMPIONS = [1]
REPOSITORY = Path(__file__).parents[2]
POSTS = {
    f"winch-{n}.md": f"---\ntitle: Winch {n}\ntone: dry\nsummary: Winch {n} has a new rope, and it holds.\n---\n\n"
    f"The rope of winch {n} was changed today, which took the whole crew an hour and the cook no time at all.\n"
    for n in range(12)
}
TORCH = '__version__ = "2.13.0"\nclass cuda:\n    is_available = staticmethod(lambda: False)\n'


def template(folder: Path) -> None:
    """A state folder with a corpus, a retrain that is due, and on the host the files that its trainer would make."""
    import gguf

    for name in ("store", "corpus", "cache", "torch"):
        (folder / name).mkdir(parents=True)
    (folder / "torch" / "torch.py").write_text(TORCH, encoding="utf-8")
    base = gguf.GGUFWriter(folder / "base.gguf", "llama")
    base.write_header_to_file()
    base.write_kv_data_to_file()
    base.close()
    for text in POSTS.values():
        (folder / "store" / hashlib.sha256(text.encode()).hexdigest()).write_text(text, encoding="utf-8")
    blog = workspace(folder)
    corpus.announce(blog, POSTS, lambda *_: None)
    corpus.work(blog, lambda *_: None)
    blog.ledger.add([NewEvent(RETRAIN, "corpus", "asked for", {"because": "asked for"})])
    blog.ledger.close()
    rehearsal = folder.with_name("rehearsal")
    once = fresh(folder, rehearsal)
    (event,) = due(once.ledger)
    held = lease(once.ledger, event, "sweep")
    assert held is not None
    retrain.handle(once, held, {runs.SHIP: lambda *_: None})  # only begins: the run gets its name
    _make_work_done(folder / "cache", runs.every(once.ledger)[0].id)
    once.ledger.close()
    shutil.rmtree(rehearsal)


def _make_work_done(cache: Path, run: str) -> None:
    out = cache / "host" / "jobs" / run / "out"
    out.mkdir(parents=True)
    made = {registry.ADAPTER_FILE: b"GGUF" + bytes(70_000), "reference.npz": b"the reference"}
    files = {}
    for name, data in made.items():
        (out / name).write_bytes(data)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (out / "manifest.json").write_text(json.dumps({"files": files}), encoding="utf-8")


def workspace(folder: Path) -> Workspace:
    """The blog whose state is in `folder`, and its host, whose folder is in there too."""
    os.environ["TONEWRIGHT_CACHE"] = str(folder / "cache")
    os.environ["PYTHONPATH"] = f"{folder / 'torch'}:{REPOSITORY}"
    config = Config(
        tagger=Tagger(use="none"),
        pairs=Pairs(use="rules"),
        model=Model(base=str(folder / "base.gguf")),
        training=Training(poll_seconds=0.0),
    )
    return Workspace(folder, config, folder)


def fresh(source: Path, folder: Path) -> Workspace:
    """A copy of the template in `folder`, which is emptied before."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    return workspace(folder)


def play(blog: Workspace, tell: Tell) -> None:
    """The whole story. Played again, it goes on where it was left."""
    release_dead(blog.ledger, set())
    while ready := due(blog.ledger):
        for event in ready:
            held = lease(blog.ledger, event, "sweep")
            if held is not None:
                retrain.handle(blog, held, {**retrain.STEPS, runs.VERIFY: _verify, runs.JUDGE: _judge})
                time.sleep(0.05)  # the trainer ends of itself
    tell("export", 1)
    for (key,) in blog.ledger.read("SELECT key FROM events WHERE kind = ? AND state = 'done'", (RETRAIN,)):
        tell("finished", key)
        tell("champion", 1)
    blog.ledger.close()


def _verify(blog: Workspace, _lease: Lease, run: runs.Run) -> str:
    (blog.folder("models", run.id) / "parity.json").write_text('{"ok": true}', encoding="utf-8")
    return runs.JUDGE


def _judge(blog: Workspace, _lease: Lease, run: runs.Run) -> str:
    report = {"promote": True, "reasons": ["it is closer to the author"]}
    (blog.folder("models", run.id) / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return runs.FINISHED


TABLES = {
    "events": "SELECT key, kind, state, note FROM events WHERE kind IN ('retrain', 'post') ORDER BY key",
    "runs": "SELECT id, snapshot, host, recipe, base, step FROM runs",
    "snapshots": "SELECT id, rows FROM snapshots",
    "exports": "SELECT lines, sha256 FROM exports",
    "models": "SELECT id, run, verdict FROM models ORDER BY id",
    "aliases": "SELECT name, model FROM aliases ORDER BY name",
}


def state(folder: Path) -> dict[str, Any]:
    """Everything that must not depend on where the story was interrupted, and how often the trainer was started."""
    db = sqlite3.connect(folder / "ledger.db")
    found: dict[str, Any] = {name: db.execute(query).fetchall() for name, query in TABLES.items()}
    db.close()
    with open_host(settings_for(workspace(folder), LOCAL)) as host:
        ended = [courier.poll(host, row[0]) for row in found["runs"]]
    found["trainers"] = [(job.state, job.rc, job.attempt) for job in ended]
    found["files"] = [
        (str(file.relative_to(folder)), hashlib.sha256(file.read_bytes()).hexdigest())
        for name in ("corpus", "runs", "models")
        for file in sorted((folder / name).rglob("*"))
        if file.is_file() and not file.name.endswith(".card.md")  # which holds the time of day
    ]
    return found
