"""What the author means by a path or a commit: hashes of texts, and of files in the store."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from tonewright.corpus.documents import FORGOTTEN_TEXT, text_hash
from tonewright.corpus.drafts import made_of
from tonewright.errors import BadInput, UsageError
from tonewright.events import NOTE, POST
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.repository import Repository
from tonewright.workspace import Workspace

_COMMIT = re.compile(r"[0-9a-f]{4,40}")


@dataclass(frozen=True)
class Target:
    """What is to be forgotten: hashes of texts and of files in the store, all of `source` (a path or a commit)."""

    source: str
    paths: frozenset[str]  # whose every version is meant; empty for a commit
    texts: frozenset[str]
    files: frozenset[str]
    in_git: bool


def find(workspace: Workspace, word: str) -> Target:
    """What a path (also of a voice note or its transcript) or a commit stands for. Raises `UsageError` for neither."""
    ledger = workspace.ledger
    paths = _paths(workspace, word)
    if paths:
        return _of_paths(workspace, paths)
    commits = [
        str(found)
        for (found,) in ledger.read(
            "SELECT DISTINCT commit_id FROM versions WHERE substr(commit_id, 1, length(?1)) = ?1", (word.lower(),)
        )
    ]
    if not _COMMIT.fullmatch(word.lower()) or not commits:
        raise UsageError(f"{word!r} is no post, note or commit that the corpus knows", "`tonewright log` names them")
    if len(commits) > 1:
        raise UsageError(f"{word!r} is the beginning of {len(commits)} commits", "give more of it")
    return _of_commit(workspace, commits[0])


def _paths(workspace: Workspace, word: str) -> set[str]:
    """The known paths that `word` means, with the earlier names of posts that Git renamed."""
    ledger = workspace.ledger
    meant = {word, str(Path(word).absolute())}
    known = {
        str(path)
        for (path,) in ledger.read(
            """SELECT path FROM documents UNION SELECT path FROM revisions UNION SELECT path FROM versions
               UNION SELECT path FROM drafts WHERE path != ''
               UNION SELECT source FROM events WHERE kind IN (?, ?)""",
            (POST, NOTE),
        )
    }
    inside = Path(word).absolute()
    if inside.is_relative_to(workspace.root):
        meant.add(inside.relative_to(workspace.root).as_posix())
    found = known & meant
    if not found and inside.suffix in (".txt", ".srt"):  # the words beside a recording
        notes = {str(path) for (path,) in ledger.read("SELECT path FROM documents WHERE origin = 'note'")}
        found = {path for path in notes if str(inside.with_suffix("")) in (path, str(Path(path).with_suffix("")))}
    earlier = dict(ledger.read("SELECT path, old_path FROM versions WHERE old_path != '' AND old_path != path"))
    for path in list(found):
        while (path := earlier.get(path, "")) and path not in found:
            found.add(path)
    return found


def _of_paths(workspace: Workspace, paths: set[str]) -> Target:
    """Every version that was ever read, and every one that is still to be."""
    ledger, names, source = workspace.ledger, json.dumps(sorted(paths)), ", ".join(sorted(paths))
    known = ledger.read(
        """WITH meant AS (SELECT value AS path FROM json_each(?1))
           SELECT text_hash FROM passages WHERE document IN (SELECT id FROM documents WHERE path IN meant)
           UNION SELECT summary_hash FROM documents WHERE summary_hash IS NOT NULL AND path IN meant
           UNION SELECT before_hash FROM revisions WHERE path IN meant
           UNION SELECT after_hash FROM revisions WHERE path IN meant
           UNION SELECT after_hash FROM corrections WHERE document IN (SELECT id FROM documents WHERE path IN meant)
           UNION SELECT draft_hash FROM drafts WHERE path IN meant
           UNION SELECT source_hash FROM drafts WHERE path IN meant
           UNION SELECT hash FROM forgotten WHERE kind = ?2 AND source = ?3""",
        (names, FORGOTTEN_TEXT, source),
    )
    texts = {str(text) for (text,) in known}
    versions = ledger.read("SELECT path, blob FROM versions WHERE path IN (SELECT value FROM json_each(?))", (names,))
    for path, blob in versions:
        texts |= _in_git(workspace, path, blob)
    files: set[str] = set()
    for kind, payload in ledger.read(
        "SELECT kind, payload FROM events WHERE kind IN (?, ?) AND source IN (SELECT value FROM json_each(?))",
        (POST, NOTE, names),
    ):
        told = json.loads(payload)
        if told.get("origin") == "folder":
            files |= {told["version"], told.get("transcript", "")} - {""}
            copy = workspace.state / "store" / told["version"]
            if kind == POST and told["version"] and copy.is_file():
                texts |= _said(workspace, told["path"], copy.read_bytes())
    texts |= made_of(ledger, texts)
    return Target(source, frozenset(paths), frozenset(texts), frozenset(files), bool(versions))


def _of_commit(workspace: Workspace, commit: str) -> Target:
    """What the commit brought: the passages of its versions that were not in what they replaced."""
    texts: set[str] = set()
    for path, blob, old_blob in workspace.ledger.read(
        "SELECT path, blob, old_blob FROM versions WHERE commit_id = ?", (commit,)
    ):
        texts |= _in_git(workspace, path, blob) - _in_git(workspace, path, old_blob)
    known = workspace.ledger.read(
        """SELECT after_hash FROM revisions WHERE commit_id = ?1
           UNION SELECT hash FROM forgotten WHERE kind = ?2 AND source = ?1""",
        (commit, FORGOTTEN_TEXT),
    )
    texts |= {str(text) for (text,) in known}
    return Target(commit, frozenset(), frozenset(texts | made_of(workspace.ledger, texts)), frozenset(), True)


def _in_git(workspace: Workspace, path: str, blob: str) -> set[str]:
    """Hashes of the texts in one version of a post; none of a version that is gone from Git."""
    repository = Repository(workspace.root)
    return _said(workspace, path, repository.read_blob(blob)) if blob and repository.has(blob) else set()


def _said(workspace: Workspace, path: str, data: bytes) -> set[str]:
    """Hashes of the texts of a post; none of one that cannot be read, of which nothing was ever taken."""
    try:
        post = parse(data, path)
        texts = {passage.text for passage in split_passages(post, workspace.vocabulary)}
    except BadInput:
        return set()
    return {text_hash(text) for text in texts | ({post.summary} if post.summary else set())}
