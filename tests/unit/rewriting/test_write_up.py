"""A spoken note becomes a draft post, each passage in the tone in which it was said."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone

import pytest

from tests.conftest import QUIET, Blog
from tests.voices import Scripted
from tonewright.cli import write_up as command
from tonewright.corpus.documents import FOLDER, Document, Excerpt, HandLabel, store
from tonewright.errors import UsageError
from tonewright.events import NOTE, NewEvent
from tonewright.posts.post import LeftOut, parse, publication
from tonewright.rewriting.write_up import find_note
from tonewright.workspace import Workspace

SLOW = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
HEARD = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."
SHORT = "Well, there we are."


@pytest.fixture
def workspace(blog: Blog) -> Workspace:
    """A ledger with one note: a passage tagged by its folder, one with a faint suggestion, one too short to rewrite."""
    blog.settings(QUIET)
    opened = blog.workspace()
    (event,) = opened.ledger.add([NewEvent(NOTE, "/notes/walk.m4a", "a", {})])
    note = Document("note", "/notes", "/notes/walk.m4a", "a+b", "", "walk", "A walk: part 1", "2026-01-02", None)
    excerpts = [
        Excerpt(0, 90, 1, SLOW, [HandLabel("dry", FOLDER, 0, 90)]),
        Excerpt(91, 190, 2, HEARD),
        Excerpt(191, 210, 3, SHORT),
    ]
    with opened.ledger.transaction() as tx:
        store(tx, event, note, excerpts)
        tx.execute(
            """INSERT INTO labels(text_hash, passage, origin, source, tone, confidence, created)
               SELECT text_hash, id, 'machine', 'prosody', 'wistful', 0.2, 0 FROM passages WHERE span_start = 91"""
        )
    return opened


def arguments(*words: str) -> argparse.Namespace:
    """The command's arguments, parsed."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["walk.m4a", *words])


def test_tones_steer_the_draft(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Each passage is asked for in its own tone, the result is a draft that says what wrote it, and none is lost."""
    voice = Scripted(lambda said: f"So it goes: {said}")
    note = find_note(workspace.ledger, "walk.m4a")
    assert command.perform(workspace, arguments(), note, voice) == 0
    asked = [request[-1]["content"].partition("\n\n")[0] for request in voice.asked]
    assert asked == ["Rewrite this in my voice, in a dry tone:", "Rewrite this in my voice, in a wistful tone:"]
    said = capsys.readouterr()
    post = parse(said.out.encode(), "_posts/walk.md")
    assert post.front["title"] == "A walk: part 1" and post.front["written_with"] == "tonewright"
    assert publication(post, datetime.now(timezone.utc)) == LeftOut("draft: true")
    assert said.out.endswith(f"\n\nSo it goes: {SLOW}\n\nSo it goes: {HEARD}\n\n{SHORT}\n")
    assert "as you said it: 'Well, there we are.': it is too short" in said.err
    drafts = workspace.ledger.read("SELECT tone FROM drafts ORDER BY tone")
    assert drafts == [("dry",), ("wistful",)]


def test_what_goes_wrong_stays_as_it_was_said(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """A passage in which the model loses a fact is the spoken one, and is named."""
    voice = Scripted(lambda said: said.replace("Tuesday", "a day"))
    command.perform(workspace, arguments("--tone", "snark=0.5,dry"), find_note(workspace.ledger, "walk.m4a"), voice)
    assert "in a dry and slightly snark tone" in voice.asked[0][-1]["content"]
    said = capsys.readouterr()
    assert SLOW in said.out
    assert "it lost name Tuesday" in said.err
    with pytest.raises(UsageError, match=r"no voice note's path ends with 'run\.m4a'"):
        find_note(workspace.ledger, "run.m4a")
