"""The hook that Git runs: a few lines of POSIX sh that touch one file, whatever happens."""

from __future__ import annotations

import shlex
from pathlib import Path

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-checkout", "pre-push")
MARK = "# tonewright doorbell"
KEPT = ".before-tonewright"  # what an earlier hook of the same name is moved to


def script(spool: Path, earlier: Path | None) -> str:
    """The text of a hook that rings at `spool` and then runs the author's own hook `earlier`, if there is one.

    No interpreter is started, no output is held open, and no failure of ours changes Git's exit code: `true`
    (unlike `:`) lets the shell go on when the redirection fails.
    """
    lines = [
        "#!/bin/sh",
        f"{MARK}: tells tonewright to look; `tonewright uninstall` takes it away",
        f"{{ true >{shlex.quote(str(spool / 'git'))}; }} 2>/dev/null </dev/null",
    ]
    if earlier is not None:
        kept = shlex.quote(str(earlier))
        lines.append(f'[ -x {kept} ] && exec {kept} "$@"')
    return "\n".join([*lines, "exit 0", ""])


def ring(spool: Path) -> None:
    """Ring from Python, for callers that are no hook."""
    spool.joinpath("git").touch()


def is_ours(file: Path) -> bool:
    """Whether a hook file is one that `script` wrote."""
    try:
        return MARK in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
