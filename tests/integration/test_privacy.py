"""What must not leave does not, what may does, and the test would notice if it did."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

pytest.importorskip("openai")
pytest.importorskip("detect_secrets")

from tasks.consumer import drain
from tests.conftest import Blog, Tell
from tests.hosted_server import ELSEWHERE, HERE, KEY, hosting
from tests.leaky import DENYLIST, IGNORE_FILE, Leaky, posts
from watchers.loop import scan_all
from watchers.settle import Settling


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that the server knows."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_nothing_planted_leaves(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 posts, the good ones reach the host and nothing of the others does; an open gate would have shown it."""
    check(blog, list(posts(60)), monkeypatch)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_nothing_planted_leaves_of_a_thousand(blog: Blog, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand posts with planted secrets and private marks against a recording server: none of them is sent."""
    told = check(blog, list(posts(1000)), monkeypatch)
    tell(f"{told}")


def check(blog: Blog, written: Sequence[Leaky], monkeypatch: pytest.MonkeyPatch) -> str:
    """Write and commit them, mark some since, and compare what a host gets with what it may."""
    blog.write(".tonewrightignore", IGNORE_FILE)
    for post in written:
        blog.write(post.path, post.text)
    blog.commit()
    for post in written:
        if post.edited:
            blog.write(post.path, post.edited)
    sent = everything_sent(blog, ELSEWHERE)
    kept = [post for post in written if not post.may_leave]
    leaked = [(post.kind, mark) for post in kept for mark in post.marks if mark.encode() in sent]
    assert leaked == []
    good = [post for post in written if post.may_leave]
    missing = [post.path for post in good if post.marks[0].encode() not in sent]
    assert missing == []
    # The negative control: to a server on this very machine the gate opens, and the same search finds what is planted.
    monkeypatch.setenv("TONEWRIGHT_STATE", str(blog.root.parent / "control"))
    seen = everything_sent(blog, HERE)
    found = sum(mark.encode() in seen for post in kept for mark in post.marks)
    assert found > len(kept) / 2
    planted = sum(len(post.marks) for post in kept)
    return (
        f"{len(written)} posts, {len(good)} may leave and did; of {planted} strings planted in the other {len(kept)}, "
        f"0 were sent; with the gate open {found} would have been"
    )


def everything_sent(blog: Blog, address: str) -> bytes:
    """Every byte that a server at `address` gets from this blog."""
    with hosting(address) as host:
        folders = '["_posts", "letters"]'
        words = ", ".join(f'"{word}"' for word in DENYLIST)
        blog.settings(
            '[tagger]\nuse = "hosted"\n[pairs]\nuse = "none"\n[blog]\n'
            'posts = ["_posts", "_postscripts", "journal", "letters"]\n'
            + host.settings(f"folders = {folders}\ndenylist = [{words}]\ndaily_cap = 100\nmonthly_cap = 100")
        )
        workspace = blog.workspace()
        scan_all(workspace, Settling(0))
        drain(workspace)
        open_events = workspace.ledger.read(
            "SELECT note FROM events WHERE kind = 'tag' AND state NOT IN ('done', 'refused')"
        )
        assert open_events == []
        logged = {sha256 for (sha256,) in workspace.ledger.read("SELECT sha256 FROM outbox")}
        assert logged == {heard.sha256 for heard in host.chats}
        return host.everything()
