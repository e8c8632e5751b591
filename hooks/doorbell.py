"""The hook that Git runs: a few lines of POSIX sh that touch one file, whatever happens."""

from __future__ import annotations

import shlex
from pathlib import Path

HOOKS = ("post-commit", "post-merge", "post-rewrite", "post-checkout", "pre-push")
WITH_INPUT = ("post-rewrite", "pre-push")
MARK = "# tonewright doorbell"
KEPT = ".before-tonewright"  # what an earlier hook of the same name is moved to


def line(spool: Path) -> str:
    """One command that rings at `spool`, for a hook of somebody else's: silent, and true whatever happens.

    `true` (unlike `:`) lets the shell go on when the redirection fails.
    """
    return f"{{ true >{shlex.quote(str(spool / 'git'))}; }} 2>/dev/null </dev/null || true"


def script(name: str, spool: Path, earlier: Path | None, managed: bool) -> str:
    """The text of the hook `name`, which rings at `spool` and then runs the author's own `earlier`, if there is one.

    No interpreter is started, no output is held open, and no failure of ours changes Git's exit code. `managed`:
    `earlier` was written by pre-commit or prek, which move a hook that they find to `*.legacy` and run it; called
    under that name, ours must not call them back. Input is read to its end, for prek refuses a push when the hook
    that it hands the refs to does not listen.
    """
    end = "while read -r rest; do true; done; exit 0" if name in WITH_INPUT else "exit 0"
    lines = [
        "#!/bin/sh",
        f"{MARK}: tells tonewright to look; `tonewright uninstall` takes it away",
        line(spool),
    ]
    if earlier is not None:
        kept = shlex.quote(str(earlier))
        if managed:
            lines.append(f"case $0 in *.legacy) {end} ;; esac")
        lines.append(f'[ -x {kept} ] && exec {kept} "$@"')
    return "\n".join([*lines, end, ""])


def ring(spool: Path) -> None:
    """Ring from Python, for callers that are no hook."""
    spool.joinpath("git").touch()


def is_ours(file: Path) -> bool:
    """Whether a hook file is one that we wrote."""
    try:
        return MARK in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
