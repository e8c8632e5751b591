"""The author's own edits, from Git's history to training rows."""

from __future__ import annotations

import json

from hooks import commits
from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tonewright.corpus.rows import REVISION, Row, collect
from tonewright.repository import Repository

FIRST = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
SECOND = "The kettle gave up on Tuesday, the day it always picks, and I drink my tea from a pan now."
THIRD = "The kettle gave up on Tuesday, the day it always picks. I drink my tea from a pan, like a sailor."
OTHER = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."


def work(blog: Blog) -> list[Row]:
    """Scan, work everything off; returns the revision rows of the corpus."""
    workspace = blog.workspace()
    commits.scan(workspace, Repository(blog.root))
    drain(workspace)
    assert workspace.ledger.read("SELECT source, note FROM events WHERE state = 'failed'") == []
    rows = [r for r in collect(workspace.ledger, workspace.config) if r.kind == REVISION]
    workspace.ledger.close()
    return rows


def test_each_edit_of_a_clone_is_found(blog: Blog) -> None:
    """Three versions in the history: what stands now is asked for by what stood there last, with its tone."""
    blog.settings(QUIET)
    for number, text in enumerate((FIRST, SECOND, THIRD)):
        blog.post("kettle", f"{text}\n\n{OTHER}", front="tone: dry\n")
        blog.commit(f"version {number}")
    (row,) = work(blog)
    assert (row.source_text, row.answer, row.tone) == (SECOND, THIRD, "dry")
    assert row.source["commit"] == blog.git("rev-parse", "HEAD").strip()
    workspace = blog.workspace()
    assert workspace.ledger.read("SELECT count(*) FROM revisions") == [(2,)]
    assert work(blog) == [row]


def test_a_draft_that_became_a_post_is_an_edit(blog: Blog) -> None:
    """Moving and changing it in one commit keeps the two together; while it is a draft there is no row."""
    blog.settings(QUIET)
    blog.post("kettle", f"{FIRST}\n\n{OTHER}", folder="_drafts")
    blog.commit("a draft")
    blog.post("kettle", f"{SECOND}\n\n{OTHER}", folder="_drafts")
    blog.commit("a better draft")
    assert work(blog) == []
    blog.git("mv", "_drafts/2026-01-02-kettle.md", "_posts-kettle")
    (blog.root / "_posts").mkdir()
    blog.git("mv", "_posts-kettle", "_posts/2026-01-02-kettle.md")
    blog.post("kettle", f"{THIRD}\n\n{OTHER}")
    blog.commit("published")
    (row,) = work(blog)
    assert (row.source_text, row.answer) == (SECOND, THIRD)


def test_what_is_private_or_anothers_makes_no_pair(blog: Blog) -> None:
    """A private version before, and an edit by a guest, stay out."""
    blog.settings(QUIET)
    blog.post("kettle", FIRST, front="private: true\n")
    blog.commit("private")
    blog.post("kettle", SECOND)
    blog.commit("public")
    assert work(blog) == []
    blog.post("kettle", THIRD)
    blog.git("add", "-A")
    blog.git("commit", "-qm", "a guest helps", env={"GIT_AUTHOR_EMAIL": "guest@example.org"})
    assert work(blog) == []


def test_a_post_that_leaves_takes_its_edits_along(blog: Blog) -> None:
    """Un-publishing leaves no revision in the corpus."""
    blog.settings(QUIET)
    blog.post("kettle", FIRST)
    blog.commit("one")
    blog.post("kettle", SECOND)
    blog.commit("two")
    assert len(work(blog)) == 1
    stats = json.loads(blog.tonewright("corpus", "stats", "--json").out)
    assert stats["kinds"]["revision"] == 1
    blog.post("kettle", SECOND, front="published: false\n")
    blog.commit("away")
    assert work(blog) == []
