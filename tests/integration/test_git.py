"""Commits and pushes, found in real repositories whatever the author does with Git."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from hooks import commits, pushes
from tasks.consumer import drain
from tasks.run import run_event
from tests.conftest import AUTHOR, QUIET, Blog
from tonewright.corpus.documents import text_hash
from tonewright.errors import UsageError
from tonewright.repository import Repository

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
OTHER = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."


def scan(blog: Blog) -> list[str]:
    """Scan and work everything off; returns the paths of the new versions and removals."""
    workspace = blog.workspace()
    added = commits.scan(workspace, Repository(blog.root))
    drain(workspace)
    sources = dict(workspace.ledger.read("SELECT id, source FROM events WHERE kind = 'post'"))
    workspace.ledger.close()
    return [sources[e] for e in added if e in sources]


def live(blog: Blog) -> dict[str, list[str]]:
    """{path: passages} of the live corpus, checked against the blob that each span points into."""
    workspace = blog.workspace()
    found: dict[str, list[str]] = {}
    for path, blob, start, end, name, text in workspace.ledger.read(
        """SELECT d.path, d.version, p.span_start, p.span_end, p.text_hash, t.text
           FROM passages p JOIN documents d ON d.id = p.document AND d.live JOIN texts t ON t.hash = p.text_hash
           ORDER BY d.path, p.span_start"""
    ):
        source = blog.git("cat-file", "blob", blob)
        assert " ".join(source[start:end].split()) == text
        assert name == text_hash(text)
        found.setdefault(path, []).append(text)
    workspace.ledger.close()
    return found


@pytest.fixture
def ready(blog: Blog) -> Blog:
    """A blog with settings and one published post."""
    blog.settings(QUIET)
    blog.post("kettle", WORDS)
    blog.commit()
    assert scan(blog) == ["_posts/2026-01-02-kettle.md"]
    return blog


def test_a_commit_becomes_passages_with_provenance(ready: Blog) -> None:
    """A passage leads back to commit, path and the exact characters."""
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS]}
    workspace = ready.workspace()
    commit = workspace.ledger.read("SELECT commit_id FROM documents")[0][0]
    assert commit == ready.git("rev-parse", "HEAD").strip()
    assert scan(ready) == []


def test_the_working_tree_does_not_count(ready: Blog) -> None:
    """What is typed and not committed is nobody's business."""
    ready.post("kettle", OTHER)
    ready.post("new", OTHER)
    assert scan(ready) == []
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS]}


def test_an_edit_replaces_the_older_version(ready: Blog) -> None:
    """Only the newest version of a post is live."""
    ready.post("kettle", OTHER)
    ready.commit()
    assert len(scan(ready)) == 1
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [OTHER]}


def test_going_back_to_an_older_version(ready: Blog) -> None:
    """A revert makes the old text live again."""
    ready.post("kettle", OTHER)
    ready.commit()
    scan(ready)
    ready.git("revert", "--no-edit", "HEAD")
    assert len(scan(ready)) == 1
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS]}
    ready.git("revert", "--no-edit", "HEAD")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [OTHER]}


def test_amend_rebase_and_cherry_pick_bring_nothing_twice(ready: Blog) -> None:
    """New commit ids with old content are no news."""
    ready.post("cat", OTHER, date="2026-01-03")
    ready.commit("cat")
    assert len(scan(ready)) == 1
    ready.git("commit", "-q", "--amend", "-m", "better words")
    assert scan(ready) == []
    ready.git("checkout", "-q", "-b", "side", "HEAD~1")
    ready.write("about.md", "unrelated")
    ready.commit("unrelated")
    ready.git("checkout", "-q", "main")
    ready.git("rebase", "-q", "side")
    assert scan(ready) == []
    assert len(live(ready)) == 2


def test_renames_deletions_and_unpublishing(ready: Blog) -> None:
    """The corpus follows the branch: a renamed post moves, an unpublished or deleted one leaves."""
    ready.git("mv", "_posts/2026-01-02-kettle.md", "_posts/2026-01-02-pan.md")
    ready.commit("rename")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-pan.md": [WORDS]}
    ready.post("pan", WORDS, front="published: false\n")
    ready.commit("unpublish")
    scan(ready)
    assert live(ready) == {}
    ready.post("pan", WORDS)
    ready.commit("publish again")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-pan.md": [WORDS]}
    ready.git("rm", "-q", "_posts/2026-01-02-pan.md")
    ready.commit("delete")
    scan(ready)
    assert live(ready) == {}


def test_a_force_push_to_an_older_state(ready: Blog) -> None:
    """A branch that is reset takes its later posts with it."""
    ready.post("cat", OTHER, date="2026-01-03")
    ready.commit("cat")
    scan(ready)
    ready.git("reset", "-q", "--hard", "HEAD~1")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS]}


def test_drafts_and_the_future_are_left_out_with_a_reason(blog: Blog) -> None:
    """Drafts are refused, a future post waits for its day; both say so."""
    blog.settings(QUIET)
    blog.post("draft", WORDS, front="draft: true\n")
    blog.post("idea", OTHER, folder="_drafts")
    blog.post("later", OTHER, front="date: 2099-01-01\n", date="2099-01-01")
    blog.commit()
    scan(blog)
    workspace = blog.workspace()
    told = {s: (state, note) for s, state, note in workspace.ledger.read("SELECT source, state, note FROM events")}
    assert told["_posts/2026-01-02-draft.md"][0] == "refused"
    assert told["_drafts/2026-01-02-idea.md"][0] == "refused"
    assert told["_posts/2099-01-01-later.md"][0] == "pending"
    assert "2099" in told["_posts/2099-01-01-later.md"][1]
    assert live(blog) == {}


def test_other_peoples_commits_are_not_yours(ready: Blog) -> None:
    """A guest's commit brings no passage."""
    ready.post("guest", OTHER, date="2026-01-03")
    env = {"GIT_AUTHOR_EMAIL": "guest@example.org", "GIT_AUTHOR_NAME": "Guest"}
    ready.git("add", "-A")
    ready.git("commit", "-qm", "guest post", env=env)
    assert scan(ready) == []
    assert len(live(ready)) == 1


def test_a_guests_post_stays_the_guests(ready: Blog) -> None:
    """Merging it, renaming it, deleting and restoring it makes nobody else its author."""
    env = {"GIT_AUTHOR_EMAIL": "guest@example.org", "GIT_AUTHOR_NAME": "Guest"}
    ready.git("checkout", "-qb", "guest")
    ready.post("guest", OTHER, date="2026-01-03")
    ready.git("add", "-A")
    ready.git("commit", "-qm", "guest post", env=env)
    ready.git("checkout", "-q", "main")
    ready.git("merge", "-q", "--no-ff", "--no-edit", "guest")
    scan(ready)
    ready.git("mv", "_posts/2026-01-03-guest.md", "_posts/2026-01-04-friend.md")
    ready.commit("rename")
    scan(ready)
    ready.git("rm", "-q", "_posts/2026-01-04-friend.md")
    ready.commit("delete")
    scan(ready)
    ready.git("revert", "--no-edit", "HEAD")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS]}


def test_a_post_that_a_guest_changed_is_left_out(ready: Blog) -> None:
    """Whatever waited or was in the corpus goes, and `status` says why; the author's next change brings it back."""
    env = {"GIT_AUTHOR_EMAIL": "guest@example.org", "GIT_AUTHOR_NAME": "Guest"}
    ready.post("kettle", WORDS.replace("Tuesday", "Monday"))
    ready.git("commit", "-qam", "a correction", env=env)
    scan(ready)
    assert live(ready) == {}
    (left_out,) = json.loads(ready.tonewright("status", "--json").out)["left_out"]
    assert left_out["note"].startswith("its last change is by guest@example.org; ")
    ready.post("kettle", WORDS.replace("Tuesday", "Friday"))
    ready.commit()
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [WORDS.replace("Tuesday", "Friday")]}


def test_a_post_that_cannot_be_read_any_more_is_not_taken_for_public(ready: Blog) -> None:
    """A header that does not parse may have been meant to say `private`: the older version leaves, visibly."""
    ready.write("_posts/2026-01-02-kettle.md", f"---\nprivate: [true\n---\n\n{WORDS}\n")
    ready.commit()
    scan(ready)
    assert live(ready) == {}
    (failed,) = json.loads(ready.tonewright("status", "--json").out)["failed"]
    assert failed["note"].startswith("_posts/2026-01-02-kettle.md:")


def test_away_and_back_again_and_again(ready: Blog) -> None:
    """A branch that is moved back and forth by force takes its post with it each time."""
    ready.post("cat", OTHER, date="2026-01-03")
    ready.commit("cat")
    for _ in range(3):
        scan(ready)
        assert len(live(ready)) == 2
        ready.git("reset", "-q", "--hard", "HEAD~1")
        scan(ready)
        assert len(live(ready)) == 1
        ready.git("reset", "-q", "--hard", "ORIG_HEAD")


def test_a_conflict_resolved_by_hand_is_the_mergers_text(ready: Blog) -> None:
    """What a merge commit brings by itself is a version like any other."""
    ready.git("checkout", "-qb", "side")
    ready.post("kettle", OTHER)
    ready.commit("side")
    ready.git("checkout", "-q", "main")
    ready.post("kettle", WORDS.replace("Tuesday", "Monday"))
    ready.commit("main")
    ready.git("merge", "-q", "side", check=False)
    settled = WORDS.replace("Tuesday", "Friday")
    ready.post("kettle", settled)
    merge = ready.commit("settled")
    scan(ready)
    assert live(ready) == {"_posts/2026-01-02-kettle.md": [settled]}
    workspace = ready.workspace()
    assert workspace.ledger.read("SELECT commit_id FROM documents WHERE live") == [(merge,)]


def test_symbolic_links_and_odd_names(ready: Blog) -> None:
    """A link to a post is no post; a name that is not UTF-8 or holds line ends is one."""
    (ready.root / "_posts" / "2026-01-05-link.md").symlink_to("2026-01-02-kettle.md")
    ready.write("_posts/2026-01-06-two\nlines.md", f"---\ntitle: two\n---\n\n{OTHER}\n")
    ready.write(
        os.fsdecode(b"_posts/2026-01-07-caf\xe9.md"), f"---\ntitle: odd\n---\n\n{OTHER.replace('cat', 'dog')}\n"
    )
    ready.commit()
    assert len(scan(ready)) == 2
    assert len(live(ready)) == 3


def test_a_long_history_is_read_in_parts(blog: Blog) -> None:
    """A first reading that is broken off goes on from there; every version is announced once."""
    blog.settings(QUIET)
    stream = b"".join(
        b"commit refs/heads/main\ncommitter Ines <%s> %d +0000\ndata 1\nx\nM 100644 inline _posts/2026-01-01-%d.md\n"
        b"data %d\n%s\n" % (AUTHOR.encode(), 1767225600 + n, n, len(text), text)
        for n in range(1200)
        for text in [f"---\ntitle: {n}\n---\n\nEntry {n}. {WORDS}\n".encode()]
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=blog.root, input=stream, check=True)
    workspace = blog.workspace()
    told: list[int] = []

    def stop(number: int) -> None:
        told.append(number)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commits.scan(workspace, Repository(blog.root), stop)
    assert workspace.ledger.read("SELECT count(*) FROM events") == [(0,)]
    assert len(commits.scan(workspace, Repository(blog.root), told.append)) == 1200
    assert told == [500, 500]  # 700 were left to read
    assert workspace.ledger.read("SELECT count(*), count(DISTINCT path) FROM versions") == [(1200, 1200)]
    assert commits.scan(workspace, Repository(blog.root)) == []


def test_a_merged_branch_counts_once(ready: Blog) -> None:
    """Work that arrives by a merge is taken from its own commit."""
    ready.git("checkout", "-qb", "side")
    ready.post("cat", OTHER, date="2026-01-03")
    wanted = ready.commit("cat")
    ready.git("checkout", "-q", "main")
    assert scan(ready) == []
    ready.git("merge", "-q", "--no-ff", "--no-edit", "side")
    assert len(scan(ready)) == 1
    workspace = ready.workspace()
    assert workspace.ledger.read("SELECT commit_id FROM documents WHERE path LIKE '%cat.md'") == [(wanted,)]


def test_a_missing_branch_deletes_nothing(ready: Blog) -> None:
    """A renamed branch is a matter for the configuration, not for the corpus."""
    ready.git("branch", "-m", "trunk")
    assert scan(ready) == []
    assert len(live(ready)) == 1


def test_no_commits_yet_and_in_the_middle_of_a_rebase(blog: Blog) -> None:
    """An empty repository has nothing to say; a rebase under way shows the branch as it was."""
    blog.settings(QUIET)
    assert scan(blog) == []
    blog.post("kettle", WORDS)
    blog.commit()
    assert len(scan(blog)) == 1
    blog.post("kettle", OTHER)
    blog.commit()
    blog.git("checkout", "-qb", "side", "HEAD~1")
    blog.post("kettle", "Something else entirely stands in this place, and it will not go together with the other.")
    blog.commit()
    blog.git("checkout", "-q", "main")
    blog.git("rebase", "-q", "side", check=False)
    assert Repository(blog.root).current_branch() is None
    scan(blog)
    assert live(blog) == {"_posts/2026-01-02-kettle.md": [OTHER]}


def test_worktrees_share_what_git_shares(ready: Blog, tmp_path: Path) -> None:
    """A commit made in a linked worktree is seen; the repository has one identity."""
    ready.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    linked = Blog(tmp_path / "linked")
    assert Repository(linked.root).identity == Repository(ready.root).identity
    ready.settings(QUIET.replace("[blog]", '[blog]\nbranches = ["main", "side"]'))
    linked.post("cat", OTHER, date="2026-01-03")
    linked.commit()
    assert scan(ready) == ["_posts/2026-01-03-cat.md"]


def test_bare_and_absent_repositories_are_named(tmp_path: Path, blog: Blog) -> None:
    """One sentence each, with what to do."""
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="not in a Git repository: run `git init`"):
        Repository(tmp_path / "plain")
    blog.git("init", "-q", "--bare", str(tmp_path / "bare.git"))
    with pytest.raises(UsageError, match="bare repository: use a clone"):
        Repository(tmp_path / "bare.git")


def test_only_pushes_that_arrived_are_seen(ready: Blog, tmp_path: Path) -> None:
    """A push is seen once; a dry run, a rejected push, an idle one and a fetch are not pushes."""
    ready.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    ready.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    workspace = ready.workspace()

    def seen() -> int:
        return len(pushes.scan(workspace, Repository(ready.root)))

    ready.git("push", "-q", "--dry-run", "origin", "main")
    assert seen() == 0
    ready.git("push", "-q", "--no-verify", "origin", "main")
    assert (seen(), seen()) == (1, 0)
    ready.git("push", "-q", "origin", "main")
    assert seen() == 0
    ready.git("clone", "-q", str(tmp_path / "remote.git"), str(tmp_path / "other"))
    other = Blog(tmp_path / "other")
    other.post("cat", OTHER)
    other.commit()
    other.git("push", "-q", "origin", "main")
    ready.post("dog", OTHER)
    ready.commit()
    ready.git("push", "-q", "origin", "main", check=False)
    assert seen() == 0
    ready.git("fetch", "-q")
    assert seen() == 0
    ready.git("push", "-q", "--force", "origin", "main")
    assert seen() == 1


def test_a_push_sets_the_thresholds_off(blog: Blog, tmp_path: Path) -> None:
    """With `on_push`, a corpus that is large enough waits for a push that arrives, and then retrains once."""
    enough = "[thresholds]\nmin_new_examples = 1\nmin_new_words = 1\nper_tone_minimum = 0\non_push = true\n"
    blog.settings(QUIET + enough)
    blog.git("init", "-q", "--bare", str(tmp_path / "remote.git"))
    blog.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    blog.post("kettle", WORDS, front=f"summary: {OTHER}\n")
    blog.commit()
    scan(blog)
    workspace, repository = blog.workspace(), Repository(blog.root)
    retrains = "SELECT payload FROM events WHERE kind = 'retrain'"
    blog.git("push", "-q", "--dry-run", "origin", "main")
    assert pushes.scan(workspace, repository) == []
    assert workspace.ledger.read(retrains) == []
    blog.git("push", "-q", "origin", "main")
    for event in pushes.scan(workspace, repository):
        run_event(workspace, event)
    assert workspace.ledger.read(retrains) == [('{"because": "enough is new"}',)]
