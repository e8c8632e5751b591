"""The search index: one SQLite file in the state folder that is derived from the ledger and may be deleted.

Words are FTS5's, stemmed. Every distinct word is also kept as it is written, so that a misspelt one finds its
neighbours by its letters, and a word that the author never used finds those that mean nearly the same.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields
from pathlib import Path
from typing import NamedTuple

from tonewright.errors import TryLater
from tonewright.search.chunks import Chunk
from tonewright.workspace import Workspace, make_private

_VERSION = 1
_WORD = re.compile(r"[^\W_]+")
# A word of the title weighs four of the text's, one of the headings two.
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, line INTEGER NOT NULL,
    written TEXT NOT NULL, title TEXT NOT NULL, headings TEXT NOT NULL, permalink TEXT NOT NULL, text TEXT NOT NULL,
    text_hash TEXT NOT NULL
);
CREATE INDEX chunks_document ON chunks(document);
CREATE INDEX chunks_path ON chunks(path);
CREATE VIRTUAL TABLE search USING fts5(
    title, headings, text, content='chunks', content_rowid='id', tokenize='porter unicode61 remove_diacritics 2');
INSERT INTO search(search, rank) VALUES ('rank', 'bm25(4.0, 2.0, 1.0)');
CREATE TABLE words (
    id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE, stem TEXT NOT NULL, chunks INTEGER NOT NULL
);
CREATE VIRTUAL TABLE spelling USING fts5(word, content='', tokenize='trigram');
CREATE TRIGGER words_added AFTER INSERT ON words BEGIN
    INSERT INTO spelling(rowid, word) VALUES (new.id, '<' || new.word || '>');
END;
CREATE TRIGGER words_gone AFTER DELETE ON words BEGIN
    INSERT INTO spelling(spelling, rowid, word) VALUES ('delete', old.id, '<' || old.word || '>');
END;
"""
_COLUMNS = tuple(field.name for field in fields(Chunk))
BUSY_SECONDS = 30.0


def index_file(workspace: Workspace) -> Path:
    """Where the index of this blog is."""
    return workspace.state / "search" / "index.db"


def words_of(text: str) -> list[str]:
    """The words of a text, lower case, in order."""
    return _WORD.findall(text.lower())


class Vocabulary(NamedTuple):
    """In how many of all `chunks` each word is, at most how many hold any word of a stem, and which words those are."""

    chunks: int
    words: Mapping[str, int]
    stems: Mapping[str, int]
    forms: Mapping[str, list[str]]
    length: float  # words of a chunk's text, on average


class Index:
    """An open index, of one thread at a time. A file of another version is emptied.

    Raises `TryLater` when it cannot be opened, and `sqlite3.DatabaseError` when it is damaged.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._stems: dict[str, str] = {}
        self._vocabulary: tuple[int, Vocabulary] | None = None
        make_private(file.parent)
        try:
            self.db = self._open()
        except sqlite3.OperationalError as e:
            raise TryLater(f"{file} could not be opened ({e})", "try again") from e

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.file, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self.file.chmod(0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last chunks: they are derived again
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute(
                "CREATE VIRTUAL TABLE temp.asked USING fts5(word, tokenize='porter unicode61 remove_diacritics 2')"
            )
            db.execute("CREATE VIRTUAL TABLE temp.asked_stems USING fts5vocab('temp', 'asked', 'instance')")
            if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                _make(db)
        except BaseException:
            db.close()
            raise
        return db

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does. Raises `TryLater` when the disk is full or the file is busy."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
        except sqlite3.OperationalError as e:
            raise TryLater(f"{self.file} could not be written ({e})", "try again; it is derived") from e

    def get(self, name: str) -> str:
        """A remembered value, or ""."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def remember(self, name: str, value: str) -> None:
        """Set a value, within a transaction."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def replace(self, document: int, chunks: Iterable[Chunk]) -> None:
        """What is indexed of a document from now on, within a transaction."""
        self._vocabulary = None
        listed = ", ".join(_COLUMNS)
        gone = self.db.execute(
            f"SELECT {listed} FROM chunks WHERE document = ?",  # noqa: S608
            (document,),
        ).fetchall()
        old, new = {row[0]: Chunk(*row) for row in gone}, {chunk.id: chunk for chunk in chunks}
        for chunk in old.values():
            if new.get(chunk.id) != chunk:
                self._drop(chunk)
        for chunk in new.values():
            if old.get(chunk.id) != chunk:
                self._add(chunk)

    def _add(self, chunk: Chunk) -> None:
        marks = ", ".join("?" * len(_COLUMNS))
        self.db.execute(f"INSERT INTO chunks VALUES ({marks})", astuple(chunk))  # noqa: S608
        self.db.execute(
            "INSERT INTO search(rowid, title, headings, text) VALUES (?, ?, ?, ?)",
            (chunk.id, chunk.title, chunk.headings, chunk.text),
        )
        words = _distinct(chunk)
        self.db.executemany(
            "INSERT INTO words(word, stem, chunks) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET chunks = chunks + 1",
            zip(words, self.stems(words)),
        )

    def _drop(self, chunk: Chunk) -> None:
        self.db.execute("DELETE FROM chunks WHERE id = ?", (chunk.id,))
        self.db.execute(
            "INSERT INTO search(search, rowid, title, headings, text) VALUES ('delete', ?, ?, ?, ?)",
            (chunk.id, chunk.title, chunk.headings, chunk.text),
        )
        words = [(word,) for word in _distinct(chunk)]
        self.db.executemany("UPDATE words SET chunks = chunks - 1 WHERE word = ?", words)
        self.db.executemany("DELETE FROM words WHERE word = ? AND chunks = 0", words)

    def scrub(self) -> None:
        """Write all anew, so that no byte of what was dropped is left: FTS5 keeps dropped words in its older parts.

        Raises `TryLater` while another process reads an older state.
        """
        with self.transaction():
            self.db.execute("INSERT INTO search(search) VALUES ('rebuild')")
            self.db.execute("INSERT INTO spelling(spelling) VALUES ('delete-all')")
            self.db.execute("INSERT INTO spelling(rowid, word) SELECT id, '<' || word || '>' FROM words")
        try:
            self.db.execute("VACUUM")
            busy = self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError as e:
            raise TryLater(f"{self.file} could not be written ({e})", "run the same command again") from e
        if busy:
            raise TryLater(f"{self.file} is being read", "run the same command again")

    @property
    def vocabulary(self) -> Vocabulary:
        """Every word that the author used; read again when this or another process has changed the index."""
        version = int(self.db.execute("PRAGMA data_version").fetchone()[0])  # grows with other connections' commits
        if self._vocabulary is None or self._vocabulary[0] != version:
            self._vocabulary = version, self._read_vocabulary()
        return self._vocabulary[1]

    def _read_vocabulary(self) -> Vocabulary:
        rows = self.db.execute("SELECT word, stem, chunks FROM words").fetchall()
        by_stem: Counter[str] = Counter()
        forms: dict[str, list[str]] = defaultdict(list)
        for word, stem, chunks in rows:
            by_stem[stem] += chunks
            forms[stem].append(word)
        self._stems.update((word, stem) for word, stem, _ in rows)
        total, length = self.db.execute(
            "SELECT count(*), coalesce(avg(length(text) - length(replace(text, ' ', '')) + 1), 1.0) FROM chunks"
        ).fetchone()
        return Vocabulary(int(total), {word: chunks for word, _, chunks in rows}, by_stem, forms, float(length))

    def stems(self, words: Sequence[str]) -> list[str]:
        """The stem of each word, as FTS5 sees it."""
        unknown = [word for word in words if word not in self._stems]
        if unknown:
            self.db.execute("DELETE FROM temp.asked")
            self.db.executemany("INSERT INTO temp.asked(rowid, word) VALUES (?, ?)", enumerate(unknown, 1))
            found = dict(self.db.execute("SELECT doc, term FROM temp.asked_stems"))
            self._stems.update((word, found.get(row, word)) for row, word in enumerate(unknown, 1))
        return [self._stems[word] for word in words]

    def spelt_like(self, word: str, most: int) -> list[str]:
        """Words that share three letters in a row with this one, those that share most of them first."""
        padded = f"<{word}>"
        grams = " OR ".join(f'"{padded[i : i + 3]}"' for i in range(len(padded) - 2))
        return [
            str(found)
            for (found,) in self.db.execute(
                """SELECT w.word FROM (SELECT rowid FROM spelling WHERE spelling MATCH ? ORDER BY rank LIMIT ?) s
                   JOIN words w ON w.id = s.rowid""",
                (grams, most),
            )
        ]


def _make(db: sqlite3.Connection) -> None:
    """An empty index in this file, whatever was in it."""
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:  # nobody else did so while we waited
        for name in ("search", "spelling", "words", "chunks", "meta"):
            db.execute(f"DROP TABLE IF EXISTS {name}")
        statement = ""
        for line in _SCHEMA.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                db.execute(statement)
                statement = ""
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")


def _distinct(chunk: Chunk) -> list[str]:
    return list(dict.fromkeys(words_of(f"{chunk.title} {chunk.headings} {chunk.text}")))
