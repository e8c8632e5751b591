"""The ledger's tables, and how an older file becomes a newer one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tonewright.errors import TonewrightError

# Each entry takes the file from version n to n + 1, forward only. Never edit one that has been released.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        source TEXT NOT NULL,
        payload TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'pending'
            CHECK (state IN ('pending', 'leased', 'done', 'refused', 'superseded', 'failed')),
        attempts INTEGER NOT NULL DEFAULT 0,   -- errors met
        deaths INTEGER NOT NULL DEFAULT 0,     -- workers that died while they held it
        next_at REAL NOT NULL DEFAULT 0,       -- not before this time (seconds since the epoch)
        lease_token TEXT, lease_owner TEXT, lease_until REAL,
        note TEXT NOT NULL DEFAULT '',         -- what it waits for, why it was left out, the last error
        parent INTEGER REFERENCES events(id),
        created REAL NOT NULL, updated REAL NOT NULL
    );
    CREATE INDEX events_open ON events(next_at) WHERE state IN ('pending', 'leased');
    CREATE INDEX events_source ON events(kind, source);
    CREATE INDEX events_parent ON events(parent);
    CREATE TABLE history (
        id INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES events(id),
        at REAL NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
    );
    CREATE INDEX history_event ON history(event);

    -- What the scanners saw last. Written in the same transaction as the events that follow from it.
    CREATE TABLE tips (repository TEXT, ref TEXT, oid TEXT NOT NULL, PRIMARY KEY (repository, ref));
    CREATE TABLE versions (           -- every version of every post that was ever announced
        repository TEXT, path TEXT, blob TEXT, commit_id TEXT NOT NULL, PRIMARY KEY (repository, path, blob)
    );
    CREATE TABLE current_posts (      -- what the tips say now: the truth that post events are checked against
        repository TEXT, path TEXT, blob TEXT NOT NULL, commit_id TEXT NOT NULL, PRIMARY KEY (repository, path)
    );
    CREATE TABLE pushes (
        repository TEXT, ref TEXT, oid TEXT, at INTEGER, PRIMARY KEY (repository, ref, oid, at)
    );
    CREATE TABLE manifest (           -- one row per watched file; signature = size, mtime, ctime, inode
        root TEXT, path TEXT, signature TEXT NOT NULL, sha256 TEXT, state TEXT NOT NULL, note TEXT NOT NULL,
        PRIMARY KEY (root, path)
    );

    -- The corpus. Texts sit apart, keyed by hash, so that one can be forgotten while ids and decisions stay.
    CREATE TABLE texts (hash TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL, place TEXT NOT NULL, path TEXT NOT NULL,
        version TEXT NOT NULL, commit_id TEXT NOT NULL DEFAULT '', slug TEXT NOT NULL, title TEXT NOT NULL,
        written TEXT NOT NULL DEFAULT '', summary_hash TEXT, live INTEGER NOT NULL DEFAULT 1,
        event INTEGER REFERENCES events(id), UNIQUE (origin, place, path, version)
    );
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents(id),
        span_start INTEGER NOT NULL, span_end INTEGER NOT NULL, line INTEGER NOT NULL,
        text_hash TEXT NOT NULL, words INTEGER NOT NULL, created REAL NOT NULL,
        UNIQUE (document, span_start, span_end)
    );
    CREATE INDEX passages_text ON passages(text_hash);
    CREATE TABLE labels (             -- the hand's word and the machine's suggestion are separate rows
        id INTEGER PRIMARY KEY, text_hash TEXT NOT NULL, passage INTEGER REFERENCES passages(id),
        origin TEXT NOT NULL CHECK (origin IN ('hand', 'machine')), source TEXT NOT NULL, tone TEXT NOT NULL,
        confidence REAL, span_start INTEGER, span_end INTEGER, evidence TEXT NOT NULL DEFAULT '',
        created REAL NOT NULL, UNIQUE (passage, origin, source, tone)
    );
    CREATE TABLE plain_versions (     -- cache: a passage is made plain once per maker
        text_hash TEXT, maker TEXT, plain_hash TEXT, note TEXT NOT NULL DEFAULT '', PRIMARY KEY (text_hash, maker)
    );
    CREATE TABLE exports (name TEXT PRIMARY KEY, lines INTEGER NOT NULL, sha256 TEXT NOT NULL, at REAL NOT NULL);

    -- From snapshot to champion.
    CREATE TABLE snapshots (id TEXT PRIMARY KEY, rows TEXT NOT NULL, created REAL NOT NULL);
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, snapshot TEXT NOT NULL REFERENCES snapshots(id), event INTEGER REFERENCES events(id),
        host TEXT NOT NULL, recipe TEXT NOT NULL, base TEXT NOT NULL, step TEXT NOT NULL,
        progress TEXT NOT NULL DEFAULT '{}', created REAL NOT NULL, updated REAL NOT NULL
    );
    CREATE TABLE models (
        id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE REFERENCES runs(id), folder TEXT NOT NULL,
        adapter_sha256 TEXT NOT NULL, verdict TEXT NOT NULL, report TEXT NOT NULL, created REAL NOT NULL
    );
    CREATE TABLE aliases (name TEXT PRIMARY KEY, model INTEGER REFERENCES models(id), since REAL NOT NULL);
    """,
    """
    -- A version also tells who wrote it and what it replaced, so that a backfill can stop and go on.
    ALTER TABLE versions ADD COLUMN author TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN message TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN old_blob TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN old_path TEXT NOT NULL DEFAULT '';
    ALTER TABLE versions ADD COLUMN announced INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX versions_silent ON versions(repository) WHERE announced = 0;
    CREATE INDEX versions_content ON versions(repository, blob);
    CREATE TABLE revisions (          -- the author's own edits: one passage before and after
        id INTEGER PRIMARY KEY, repository TEXT NOT NULL, path TEXT NOT NULL,
        old_blob TEXT NOT NULL, blob TEXT NOT NULL, commit_id TEXT NOT NULL,
        before_hash TEXT NOT NULL, after_hash TEXT NOT NULL, UNIQUE (before_hash, after_hash)
    );
    CREATE INDEX revisions_after ON revisions(after_hash);
    CREATE TABLE own_output (         -- what a model of ours wrote, as hashes of its shingles
        shingle TEXT PRIMARY KEY, at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE notices (            -- what the author has been told of, so that it is told once
        subject TEXT PRIMARY KEY, at REAL NOT NULL
    );
    CREATE INDEX events_counts ON events(kind, state);
    CREATE INDEX events_told ON events(updated) WHERE state IN ('failed', 'refused');
    CREATE INDEX manifest_content ON manifest(sha256);
    """,
    """
    CREATE TABLE hand_tags (          -- what `_tones/` in the blog's repository says, as last read, and where it fits
        file TEXT, line INTEGER, id TEXT NOT NULL, at TEXT NOT NULL, path TEXT NOT NULL, quote TEXT NOT NULL,
        record TEXT NOT NULL,                      -- the whole line
        passage INTEGER REFERENCES passages(id),   -- NULL: the words are not in the corpus, or not any more
        word_start INTEGER, word_end INTEGER,      -- of the passage's words; NULL: all of them
        how TEXT NOT NULL DEFAULT '', PRIMARY KEY (file, line)
    );
    CREATE INDEX hand_tags_passage ON hand_tags(passage);
    CREATE TABLE untagged (           -- decisions that a later one took back
        id TEXT, file TEXT, line INTEGER, PRIMARY KEY (id, file, line)
    ) WITHOUT ROWID;
    CREATE INDEX untagged_file ON untagged(file);
    CREATE INDEX hand_tags_path ON hand_tags(path);
    CREATE TABLE heard (              -- a recording that was listened to, with one transcript
        audio TEXT, transcript TEXT, extractor TEXT, seconds REAL NOT NULL,
        bare TEXT NOT NULL,           -- stretches of speech that no word covers
        at REAL NOT NULL, PRIMARY KEY (audio, transcript, extractor)
    );
    CREATE TABLE prosody (            -- measured per sentence of it; raw, so that a newer baseline needs no audio
        audio TEXT, transcript TEXT, extractor TEXT,
        span_start INTEGER, span_end INTEGER NOT NULL,     -- characters of the transcript, as in `passages`
        begin_s REAL NOT NULL, until_s REAL NOT NULL,      -- seconds of the recording
        confidence REAL NOT NULL, flag TEXT NOT NULL,      -- of the place, not of the numbers
        features TEXT NOT NULL, PRIMARY KEY (audio, transcript, extractor, span_start)
    );
    CREATE TABLE forgotten (          -- what must never come back: hashes of texts and of whole files, ids of rows
        hash TEXT, kind TEXT CHECK (kind IN ('text', 'file', 'row')), source TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (hash, kind)
    ) WITHOUT ROWID;
    ALTER TABLE exports ADD COLUMN format TEXT NOT NULL DEFAULT 'messages';
    ALTER TABLE exports ADD COLUMN was TEXT NOT NULL DEFAULT '';  -- sha256 of the file that this one takes the place of
    ALTER TABLE models ADD COLUMN stale TEXT NOT NULL DEFAULT '';  -- why a model should not be used any more
    """,
    """
    CREATE TABLE outbox (             -- every request that left this program, or may have; never its text
        id INTEGER PRIMARY KEY, at REAL NOT NULL, event INTEGER REFERENCES events(id),
        host TEXT NOT NULL, model TEXT NOT NULL, purpose TEXT NOT NULL,
        sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,      -- of the body that was sent
        state TEXT NOT NULL DEFAULT 'reserved'             -- all but `failed` count as spent
            CHECK (state IN ('reserved', 'settled', 'failed', 'unknown')),
        reserved INTEGER NOT NULL, cost INTEGER,           -- millionths of a unit of money; NULL: not known yet
        tokens_in INTEGER, tokens_out INTEGER, result TEXT NOT NULL DEFAULT '', ended REAL,
        retry_at REAL NOT NULL DEFAULT 0,                  -- the host wants no request before this
        batch INTEGER REFERENCES batches(id)
    );
    CREATE INDEX outbox_at ON outbox(at);
    CREATE INDEX outbox_batch ON outbox(batch) WHERE batch IS NOT NULL;
    CREATE TABLE hosted_answers (     -- a tone per text, prompt and model, so that nothing is paid for twice
        text_hash TEXT, asked TEXT, tone TEXT, confidence TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (text_hash, asked)
    ) WITHOUT ROWID;
    CREATE TABLE batches (            -- one file of requests, answered within a day for half the price
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, asked TEXT NOT NULL, remote TEXT NOT NULL DEFAULT '',
        state TEXT NOT NULL CHECK (state IN ('intent', 'submitted', 'ended')),
        looked REAL NOT NULL, created REAL NOT NULL
    );
    CREATE TABLE batch_wishes (       -- passages that wait for a batch; `line` is the request that holds them
        text_hash TEXT, asked TEXT, event INTEGER NOT NULL REFERENCES events(id), at REAL NOT NULL,
        batch INTEGER REFERENCES batches(id), line INTEGER, PRIMARY KEY (text_hash, asked)
    ) WITHOUT ROWID;
    -- Share of a sentence's words that a machine heard clearly; 1 for the author's own transcript.
    ALTER TABLE prosody ADD COLUMN certainty REAL NOT NULL DEFAULT 1;
    """,
    """
    CREATE TABLE drafts (             -- what a model of ours gave out, for what, and where it was meant to stand
        draft_hash TEXT PRIMARY KEY, source_hash TEXT NOT NULL, kind TEXT NOT NULL, tone TEXT, path TEXT NOT NULL,
        at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE corrections (        -- the author's light edits of them, in the place where they were committed
        document INTEGER REFERENCES documents(id), span_start INTEGER, span_end INTEGER, line INTEGER NOT NULL,
        draft_hash TEXT NOT NULL, after_hash TEXT NOT NULL, PRIMARY KEY (document, span_start, span_end)
    ) WITHOUT ROWID;
    CREATE INDEX corrections_after ON corrections(after_hash);
    """,
    """
    -- What derived indexes have to look at again: the latest change of each document, in an order that only grows. An
    -- index remembers the last id that it has seen. Triggers, so that no writer can forget to say so.
    CREATE TABLE document_changes (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL UNIQUE);
    INSERT INTO document_changes(document) SELECT id FROM documents ORDER BY id;
    CREATE TRIGGER documents_added AFTER INSERT ON documents BEGIN
        DELETE FROM document_changes WHERE document = new.id;
        INSERT INTO document_changes(document) VALUES (new.id);
    END;
    CREATE TRIGGER documents_changed AFTER UPDATE ON documents BEGIN
        DELETE FROM document_changes WHERE document = new.id;
        INSERT INTO document_changes(document) VALUES (new.id);
    END;
    CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
        DELETE FROM document_changes WHERE document = new.document;
        INSERT INTO document_changes(document) VALUES (new.document);
    END;
    CREATE TRIGGER passages_changed AFTER UPDATE ON passages BEGIN
        DELETE FROM document_changes WHERE document = new.document;
        INSERT INTO document_changes(document) VALUES (new.document);
    END;
    CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
        DELETE FROM document_changes WHERE document = old.document;
        INSERT INTO document_changes(document) VALUES (old.document);
    END;
    """,
    """
    CREATE TABLE blind_choices (      -- whose text the author took for his own; the texts are in the model's report
        model INTEGER REFERENCES models(id), item TEXT, chosen TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (model, item)
    ) WITHOUT ROWID;
    """,
)
VERSION = len(MIGRATIONS)


def migrate(db: sqlite3.Connection, file: Path) -> None:
    """Bring `file` up to `VERSION`, after a backup beside it when it already holds something.

    Raises `TonewrightError` when the file was written by a newer tonewright: guessing at it could lose events.
    """
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise TonewrightError(
            f"{file} was written by a newer tonewright (ledger version {found}, this one knows {VERSION})",
            "upgrade tonewright, or point TONEWRIGHT_STATE at another folder",
        )
    if found == VERSION:
        return
    if found:
        _backup(db, file.with_suffix(f".v{found}.backup"))
    db.execute("BEGIN IMMEDIATE")
    try:
        # Somebody else may have migrated while we waited for the lock.
        for number in range(db.execute("PRAGMA user_version").fetchone()[0], VERSION):
            for statement in _statements(MIGRATIONS[number]):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise


def roll_back(db: sqlite3.Connection) -> None:
    """End an open transaction; SQLite has done so already where the disk was full."""
    if db.in_transaction:
        db.execute("ROLLBACK")


def _backup(db: sqlite3.Connection, destination: Path) -> None:
    copy = sqlite3.connect(destination)
    try:
        destination.chmod(0o600)
        db.backup(copy)
    finally:
        copy.close()


def _statements(script: str) -> list[str]:
    """Split a script into statements; `executescript` would commit between them."""
    statements, buffer = [], ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            statements.append(buffer)
            buffer = ""
    return statements
