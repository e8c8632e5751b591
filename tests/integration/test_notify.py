"""The author is told once of what failed, by a command of the author's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.notify import Teller
from tests.conftest import QUIET, Blog
from tonewright.events import POST, NewEvent
from tonewright.ledger.leases import lease, retry
from tonewright.workspace import Workspace

SCRIPT = """#!/bin/sh
number=$(ls "{place}" | wc -l)
printf '%s\\n' "$@" > "{place}/$number.words"
cat >> "{place}/$number.words"
"""


class Author:
    """Somebody with a command that writes down what it is told."""

    def __init__(self, blog: Blog, place: Path) -> None:
        self.place = place / "told"
        self.place.mkdir()
        command = place / "tell-me"
        command.write_text(SCRIPT.format(place=self.place))
        command.chmod(0o755)
        self.settings = f'[notify]\ncommand = ["{command}", "--title", "tonewright"]\n'
        blog.settings(QUIET + self.settings)
        self.workspace = blog.workspace()
        self.teller = Teller(self.workspace)

    def heard(self) -> list[tuple[str, dict[str, Any]]]:
        """(sentence, record) of each notice so far."""
        told = []
        for file in sorted(self.place.iterdir()):
            title, name, sentence, record = file.read_text().split("\n", 3)
            assert (title, name) == ("--title", "tonewright")
            told.append((sentence, json.loads(record)))
        return told


@pytest.fixture
def author(blog: Blog, tmp_path: Path) -> Author:
    return Author(blog, tmp_path)


def fail(workspace: Workspace, *sources: str) -> list[int]:
    """Events that a worker gave up at once."""
    known = workspace.ledger.add(NewEvent(POST, source, "1", {}) for source in sources)
    for event in known:
        held = lease(workspace.ledger, event, "worker")
        assert held is not None
        held.fail(f"{held.event.source}:3: the date is no date: write 2026-01-02", final=True)
    return known


def test_a_failure_is_told_once(author: Author) -> None:
    """The sentence names file, line and remedy; the record has the event; a second look tells nothing."""
    (event,) = fail(author.workspace, "_posts/one.md")
    assert author.teller.tell() == 1
    assert author.teller.tell() == 0
    assert Teller(author.workspace).tell() == 0  # a new process remembers as well
    ((sentence, record),) = author.heard()
    assert sentence == "one.md failed: _posts/one.md:3: the date is no date: write 2026-01-02"
    assert record["counts"] == {"failed": 1, "attention": 0, "promoted": 0}
    assert record["news"][0]["event"] == event


def test_a_retry_that_fails_again_is_told_again(author: Author) -> None:
    """The same event on another occasion is news; a retry that works is none."""
    (event,) = fail(author.workspace, "_posts/one.md")
    author.teller.tell()
    for _ in range(2):
        with author.workspace.ledger.transaction() as tx:
            assert retry(tx, event)
        assert author.teller.tell() == 0
        held = lease(author.workspace.ledger, event, "worker")
        assert held is not None
        held.fail("still no date", final=True)
    assert author.teller.tell() == 1
    assert len(author.heard()) == 2


def test_three_hundred_failures_are_one_notice(author: Author) -> None:
    """A burst is a count, with the first hundred spelled out for programs."""
    fail(author.workspace, *(f"_posts/{number}.md" for number in range(300)))
    assert author.teller.tell() == 300
    ((sentence, record),) = author.heard()
    assert sentence == "300 events failed; `tonewright status` tells which."
    assert (record["counts"]["failed"], len(record["news"])) == (300, 100)


def test_files_and_models_are_news_too(author: Author) -> None:
    """A recording that is not whole and a promoted model are told in the same sentence."""
    with author.workspace.ledger.transaction() as tx:
        tx.execute("INSERT INTO manifest VALUES ('/n', '/n/boat.m4a', '9:1:1:1@a', NULL, 'attention', 'copy it again')")
    (event,) = author.workspace.ledger.add([NewEvent("retrain", "corpus", "1", {})])
    held = lease(author.workspace.ledger, event, "worker")
    assert held is not None
    held.end("done", "promoted: it reads more like the author")
    assert author.teller.tell() == 2
    assert author.heard()[0][0] == "1 file needs a look, a new model was promoted; `tonewright status` tells which."


@pytest.mark.parametrize("command", ["exit 1", "sleep 60 & exit 0", "exec no-such-program"])
def test_a_command_that_fails_harms_nothing(blog: Blog, author: Author, tmp_path: Path, command: str) -> None:
    """Work goes on, and what could not be told is not told for ever."""
    (tmp_path / "tell-me").write_text(f"#!/bin/sh\n{command}\n")
    fail(author.workspace, "_posts/one.md")
    assert author.teller.tell() == 1
    assert author.teller.tell() == 0


def test_without_a_command_nothing_is_forgotten(blog: Blog, author: Author) -> None:
    """Failures from before the setting are told as soon as there is somebody to tell."""
    blog.settings()
    silent = blog.workspace()
    fail(silent, "_posts/one.md", "_posts/two.md")
    assert Teller(silent).tell() == 0
    blog.settings(QUIET + author.settings)
    assert Teller(blog.workspace()).tell() == 2


def test_once_tells_as_well(blog: Blog, author: Author) -> None:
    """`up --once` in a crontab: a post that cannot be read reaches the author."""
    blog.write("_posts/2026-01-02-odd.md", b"---\ntitle: odd\n---\n\ncaf\xe9\n")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    ((sentence, _),) = author.heard()
    assert sentence.startswith("2026-01-02-odd.md failed: ")
    assert "UTF-8" in sentence
