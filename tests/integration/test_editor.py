"""The tasks that docs/serve.md gives to editors do what they are called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

from tests.conftest import QUIET, REPOSITORY, Blog

SAID = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def tasks() -> dict[str, Any]:
    """What the page says `.vscode/tasks.json` should hold."""
    page = (REPOSITORY / "docs" / "serve.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```json\n(\{[^`]*\"tasks\"[^`]*)```", page)
    loaded: dict[str, Any] = json.loads(found)
    return loaded


def test_tasks_of_the_page_show_change_and_take_back(blog: Blog) -> None:
    """As the editor starts them, for a draft with a space and an ampersand in its name: `git apply` takes what is
    shown, rewriting does just that, and undoing leaves the bytes that were there."""
    blog.settings(QUIET)
    name = "_drafts/tea & kettle.md"
    before = f"---\ntitle: Tea\n---\n\n{SAID}\n"
    draft = blog.write(name, before)
    asked = tasks()
    assert (asked["type"], asked["command"]) == ("process", "tonewright")  # no shell: the name needs no quotes
    words = {t["label"]: [w.replace("${relativeFile}", name) for w in t["args"]] for t in asked["tasks"]}
    assert list(words) == ["voice: show", "voice: rewrite", "voice: undo"]

    shown = loudly(blog, words["voice: show"])
    assert draft.read_text() == before
    applied = subprocess.run(["git", "apply"], cwd=blog.root, input=shown, capture_output=True, check=False)
    assert (applied.returncode, applied.stderr) == (0, b"")
    assert draft.read_text() == before.replace(SAID, SAID.upper())
    draft.write_text(before)

    loudly(blog, words["voice: rewrite"])
    assert draft.read_text() == before.replace(SAID, SAID.upper())
    assert blog.tonewright(*words["voice: undo"]).code == 0
    assert draft.read_text() == before


def loudly(blog: Blog, words: list[str]) -> bytes:
    """`tonewright rewrite …` with a voice that shouts; returns what it printed."""
    assert words[0] == "rewrite"
    command = [sys.executable, str(REPOSITORY / "tests" / "integration" / "slow_voice.py"), *words[1:]]
    done = subprocess.run(command, cwd=blog.root, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
