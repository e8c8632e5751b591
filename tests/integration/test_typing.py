"""On a terminal the answer appears while it is written, and what cannot be used is taken back."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from tests.conftest import QUIET, REPOSITORY, Blog

SCRIPT = """
import sys
from tests.voices import rewrite, Scripted
from tonewright.cli.typing import Typing
from tonewright.rewriting.rewrite import Manner, rewritten
text = open(sys.argv[1], newline="").read()
typing = Typing(text)
rule = lambda said: said.upper() if "pump" in said else said.replace("nine", "ten")
for span in rewritten(text, "post.md", Scripted(rule), Manner(), typing.piece, typing.token):
    typing.span(span)
typing.end()
"""
GOOD, BAD = "The pump would not start for nine days on end.", "The lift stood there for nine whole days instead."
POST = f"# A heading\n\n{GOOD}\n\n{BAD}\n"


def screen(data: bytes) -> str:
    """What a terminal of one long line shows: erased text is gone."""
    shown = ""
    for part in re.split(r"(\x1b\[\d+G\x1b\[J)", data.decode().replace("\r\n", "\n")):
        column = re.fullmatch(r"\x1b\[(\d+)G\x1b\[J", part)
        shown = shown[: shown.rfind("\n") + int(column[1])] if column else shown + part
    return shown


def test_tokens_are_shown_and_taken_back(blog: Blog) -> None:
    """Both answers are seen as they come; at the end the screen shows the accepted one and the untouched original."""
    blog.settings(QUIET)
    post = blog.write("post.md", POST)
    reader, terminal = pty.openpty()
    env = {**os.environ, "COLUMNS": "1000"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(post)], stdout=terminal, env=env, check=True, cwd=REPOSITORY)
    os.close(terminal)
    data = b""
    try:
        while chunk := os.read(reader, 65536):
            data += chunk
    except OSError:  # Linux's way to say that the other side is closed
        pass
    os.close(reader)
    assert b"for ten whole days" in data
    shown = screen(data)
    assert shown == POST.replace(
        "The pump would not start for nine days on end.", "THE PUMP WOULD NOT START FOR NINE DAYS ON END."
    )
