"""A batch is submitted once, wherever the worker that submits it is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openai")
pytest.importorskip("detect_secrets")

from tests.conftest import Blog, Tell
from tests.hosted_server import KEY, Host, hosting

WORKERS = Path(__file__).with_name("hosted_workers.py")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that the server knows."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_killed_in_a_batch(blog: Blog) -> None:
    """One batch, four kills: every passage is in one submitted batch and in no other request."""
    kill_in_batches(blog, rounds=1, kills=4)


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_killed_in_many_batches(blog: Blog, tell: Tell) -> None:
    """Ten batches, four kills each, most of them in the middle of a submission."""
    told = kill_in_batches(blog, rounds=10, kills=4)
    tell(f"{told}")


def kill_in_batches(blog: Blog, *, rounds: int, kills: int) -> str:
    """Let workers be killed while they submit and collect, then look at what the host was given."""
    with hosting(slow=0.25) as host:
        hosted = host.settings('folders = ["_posts"]').replace("timeout_seconds = 2", "timeout_seconds = 1")
        blog.settings('[tagger]\nuse = "hosted"\n[pairs]\nuse = "none"\n' + hosted.replace("from = 0", "from = 2"))
        done = subprocess.run(
            [sys.executable, str(WORKERS), "batch", str(blog.root), str(rounds), str(kills)],
            capture_output=True,
            text=True,
            check=False,
            timeout=800,
        )
        assert done.returncode == 0, done.stderr
        ledger = blog.workspace().ledger
        texts = {text for (text,) in ledger.read("SELECT t.text FROM texts t JOIN passages p ON p.text_hash = t.hash")}
        batched = [text for batch in host.batches.values() for text in _passages(host, batch["input_file_id"])]
        asked = [text for chat in host.chats for text in _said(json.loads(chat.body))]
        assert sorted([*batched, *asked]) == sorted(texts), "a passage was paid for twice, or never"
        assert len(batched) >= 2 * rounds
        states = {state for (state,) in ledger.read("SELECT state FROM outbox")}
        assert states == {"settled"}
        return (
            f"{rounds * kills} kills, {len(host.batches)} batches submitted once each, "
            f"{len(host.uploads) - 2 * len(host.batches)} uploads that came to nothing, "
            f"{len(batched)} passages in batches, {len(asked)} asked for directly, 0 twice"
        )


def _passages(host: Host, file: str) -> list[str]:
    return [text for line in host.uploads[file].splitlines() for text in _said(json.loads(line)["body"])]


def _said(body: dict[str, list[dict[str, str]]]) -> list[str]:
    return list(json.loads(body["messages"][1]["content"])["passages"].values())
