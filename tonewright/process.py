"""The one place that starts child processes: a clean environment, no stdin, always a time limit."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tonewright.errors import Missing, TonewrightError

# What `git rev-parse --local-env-vars` lists. Git sets some of these for hooks, and a child that inherits them
# answers for (and writes into the index of) the wrong repository.
GIT_LOCAL_ENV = frozenset(
    [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_INTERNAL_SUPER_PREFIX",
    ]
)


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child: ours, without Git's per-repository variables, plus `extra`."""
    env = {k: v for k, v in os.environ.items() if k not in GIT_LOCAL_ENV}
    env.update(extra or {})
    return env


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    timeout: float = 30.0,
    check: bool = True,
    env: Mapping[str, str] | None = None,
    input: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run `argv` to its end, with `input` as all that it can read, and return its decoded output.

    Raises `Missing` when the program is not there, and `TonewrightError` when it fails (unless `check` is false)
    or outlasts `timeout` seconds; the message carries the last lines that it printed.
    """
    words = [str(a) for a in argv]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=clean_env(env),
            **({"input": input} if input else {"stdin": subprocess.DEVNULL}),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as e:
        raise Missing(f"{words[0]} is not on the PATH", f"install {words[0]} and try again") from e
    except subprocess.TimeoutExpired as e:
        raise TonewrightError(f"`{' '.join(words)}` did not end within {timeout:.0f} s") from e
    if check and done.returncode != 0:
        tail = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise TonewrightError(f"`{' '.join(words)}` ended with {done.returncode}", tail)
    return done


def stream(argv: Sequence[str | Path], separator: bytes, *, cwd: Path | None = None) -> Iterator[bytes]:
    """What `argv` prints, field by field as it comes, so that a long answer is never held in memory whole.

    There is no time limit: as long as it is read, it prints. Raises as `run` does.
    """
    words = [str(a) for a in argv]
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                words, cwd=cwd, env=clean_env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints
            )
        except FileNotFoundError as e:
            raise Missing(f"{words[0]} is not on the PATH", f"install {words[0]} and try again") from e
        with process:
            assert process.stdout is not None
            rest = b""
            try:
                while piece := process.stdout.read1(1 << 16):  # type: ignore[attr-defined]
                    *fields, rest = (rest + piece).split(separator)
                    yield from fields
            except BaseException:  # the reader has had enough
                process.kill()
                raise
        if rest:
            yield rest
        complaints.seek(0)
        tail = complaints.read().decode(errors="replace").strip().splitlines()[-3:]
        if process.returncode != 0:
            raise TonewrightError(f"`{' '.join(words)}` ended with {process.returncode}", " | ".join(tail))


def start(argv: Sequence[str | Path], *, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start a long-lived child that shares our stdout and stderr; the caller waits for it."""
    return subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, pass_fds=tuple(pass_fds), env=clean_env())


def converse(argv: Sequence[str | Path]) -> subprocess.Popen[str]:
    """Start a long-lived child that reads lines from us and answers in lines; it shares our stderr."""
    words = [str(a) for a in argv]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", bufsize=1, env=clean_env())


def stop(process: subprocess.Popen[Any], seconds: float) -> None:
    """Ask a child to finish what it holds (SIGTERM); insist (SIGKILL) after `seconds`."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
