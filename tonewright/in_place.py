"""A file of the author's written anew in one step, with a way back.

The way back is a copy in the state folder and not Git's: what is rewritten is mostly a draft that was never committed,
and to refuse it, or to commit it unasked, would be the greater surprise.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from tonewright.errors import NothingToDo, Refused, TonewrightError

FOLDER = "undo"
_STEPS = 10  # kept for each file


def replace(file: Path, data: bytes) -> None:
    """Write `file` in one step, with its mode; a link stays one. Raises `TonewrightError`, with the old file whole."""
    goal = file.resolve()
    aside = goal.with_name(f".{goal.name}.tonewright-new")
    try:
        with aside.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(goal, aside)
        aside.replace(goal)
    except OSError as e:
        raise TonewrightError(f"{file} could not be written ({e.strerror})", "it is as it was") from e
    finally:
        aside.unlink(missing_ok=True)


def write(state: Path, file: Path, before: str, after: str) -> None:
    """Put `after` in the place of `before`, which is kept in the folder `state` first.

    Raises `Refused` when the file does not say `before` any more: somebody saved it meanwhile.
    """
    if file.read_bytes() != before.encode():
        raise Refused(f"{file} was saved by somebody else meanwhile", "run the same command again")
    if after == before:
        return
    folder = state / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    steps = _steps(folder, file)
    number = int(steps[-1].stem.rpartition("-")[2]) + 1 if steps else 1
    record = {"path": str(file.resolve()), "before": before, "after": hashlib.sha256(after.encode()).hexdigest()}
    step = folder / f"{_name(file)}-{number:06}.json"
    step.touch(mode=0o600)
    step.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    replace(file, after.encode())
    for old in steps[: max(0, len(steps) + 1 - _STEPS)]:
        old.unlink(missing_ok=True)


def undo(state: Path, file: Path) -> None:
    """Give `file` the bytes back that it had before the last `write`.

    Raises `NothingToDo` when there is none, and `Refused` when the file was changed since, which names the copy.
    """
    steps = _steps(state / FOLDER, file)
    if not steps:
        raise NothingToDo(f"{file} was not rewritten in place, or that was undone")
    record = json.loads(steps[-1].read_text(encoding="utf-8"))
    if hashlib.sha256(file.read_bytes()).hexdigest() != record["after"]:
        raise Refused(f"{file} was changed since it was rewritten", f"what it said before is in {steps[-1]}")
    replace(file, record["before"].encode())
    steps[-1].unlink()


def _name(file: Path) -> str:
    return hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]


def _steps(folder: Path, file: Path) -> list[Path]:
    return sorted(folder.glob(f"{_name(file)}-*.json"))
