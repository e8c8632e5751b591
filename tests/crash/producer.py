"""A process that commits posts for ever and writes down what the ledger has acknowledged; made to be killed."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

from hooks import commits
from tasks.queue import ring
from tonewright.repository import Repository
from tonewright.workspace import open_workspace


def main(root: Path, acknowledged: Path) -> None:
    """Commit, scan, acknowledge: a line is written only after the scan's transaction has returned."""
    workspace = open_workspace(root)
    repository = Repository(root)
    for number in itertools.count():
        name = f"_posts/2026-01-01-{os.getpid()}-{number}.md"
        text = f"Passage {number} of process {os.getpid()} says that the kettle, the lock and the cat are well today."
        root.joinpath(name).write_text(f"---\ntitle: {number}\ntone: dry\n---\n\n{text}\n", encoding="utf-8")
        # An earlier life may have been killed inside git; its lock is not the subject here.
        root.joinpath(".git/index.lock").unlink(missing_ok=True)
        subprocess.run(["git", "add", name], cwd=root, check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["git", "commit", "-qm", name], cwd=root, check=False, stderr=subprocess.DEVNULL)
        added = commits.scan(workspace, repository)
        with acknowledged.open("a", encoding="utf-8") as out:
            out.write("".join(f"{event}\n" for event in added))
        ring(workspace, added)
