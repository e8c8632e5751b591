"""Plays the story again and again, each time interrupted one call later, and looks at what is left.

Run with the compiled `failpoints.c` in LD_PRELOAD. Every attempt is a fork of this process, which has imported all
that the story needs, so that one costs milliseconds. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import sqlite3
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.crash import failpoint_retrain, failpoint_story
from tonewright.errors import TryLater
from tonewright.workspace import Workspace

DIE, FULL = 1, 2  # as in failpoints.c
KILLED = 137
FULL_DISK = "full"
STORIES = {"corpus": failpoint_story, "retrain": failpoint_retrain}
shim = ctypes.CDLL(os.environ["LD_PRELOAD"])


class Sweep:
    """One folder in which attempts are made at a story, and how an attempt that nobody interrupts ends."""

    def __init__(self, folder: Path, story: Any) -> None:
        self.story = story
        self.source, self.folder = folder / "template", folder / "state"
        self.story.template(self.source)
        self.corpora: list[bytes] = []
        blog = self.story.fresh(self.source, self.folder)

        def tell(what: str, _: Any) -> None:
            if what == "export":
                self.corpora.append((self.folder / "corpus" / "corpus.jsonl").read_bytes())

        self.story.play(blog, tell)
        self.expected = self.story.state(self.folder)

    def attempt(self, mode: int, nth: int, seed: int) -> tuple[int, list[tuple[str, Any]]]:
        """A child plays the story with the `nth` call as its fatal one; returns its exit status and what it told."""
        blog = self.story.fresh(self.source, self.folder)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                self._child(blog, mode, nth, seed, writer)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as out:
            told = [tuple(json.loads(line)) for line in out]
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told

    def _child(self, blog: Workspace, mode: int, nth: int, seed: int, writer: int) -> None:
        def tell(what: str, value: Any) -> None:
            os.write(writer, json.dumps([what, value]).encode() + b"\n")

        shim.failpoints_arm(str(self.folder).encode(), mode, ctypes.c_long(nth), ctypes.c_ulong(seed))
        said = False
        try:
            self.story.play(blog, tell)
        except TryLater as e:  # anything else is a defect
            assert "free some space" in str(e), str(e)
            said = True
        if shim.failpoints_disarm() >= nth:  # there is space again, and the same process goes on
            tell(FULL_DISK, said)
            self.story.play(blog, tell)
        os._exit(0)

    def verdict(self, told: list[tuple[str, Any]]) -> dict[str, int]:
        """What is wrong with the state that an attempt left: counts, all of them 0 if nothing is."""
        torn = self._torn(told)
        with sqlite3.connect(self.folder / "ledger.db") as db:
            broken = db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
            broken |= bool(db.execute("PRAGMA foreign_key_check").fetchall())
            lost = self._lost(db, told)
        db.close()
        self.story.play(self.story.workspace(self.folder), lambda *_: None)
        left = self.story.state(self.folder)
        different = [name for name, rows in left.items() if rows != self.expected[name]]
        for name in different:
            print(f"  {name}: {_difference(left[name], self.expected[name])}", file=sys.stderr)
        return {"torn": torn, "lost": lost + broken, "differences": len(different)}

    def _torn(self, told: list[tuple[str, Any]]) -> int:
        """Lines of the exported corpus that are none, or all of them where it is no export that ever was."""
        file = self.folder / "corpus" / "corpus.jsonl"
        data = file.read_bytes() if file.exists() else b""
        acknowledged = max((number for what, number in told if what == "export"), default=0)
        if data in [b"", *self.corpora][acknowledged:]:
            return 0
        return sum(not _parses(line) for line in data.splitlines()) or 1

    def _lost(self, db: sqlite3.Connection, told: list[tuple[str, Any]]) -> int:
        """Acknowledged events, ends and champions that the ledger does not know."""
        states = dict(db.execute("SELECT key, state FROM events"))
        added = [key for what, keys in told if what == "events" for key in keys]
        ended = [key for what, key in told if what == "finished"]
        lost = sum(key not in states for key in added)
        lost += sum(states.get(key) in (None, "pending", "leased") for key in ended)
        points = db.execute("SELECT a.model, m.id FROM aliases a LEFT JOIN models m ON m.id = a.model").fetchall()
        lost += sum(model != row for model, row in points)
        champions = db.execute("SELECT model FROM aliases WHERE name = 'champion'").fetchall()
        # The next one may be in place already, with its acknowledgement still to come.
        number = sum(what == "champion" for what, _ in told)
        possible = [[], *[[(model,)] for model in self.story.CHAMPIONS]][number : number + 2]
        return lost + (champions not in possible)


def _difference(left: Any, expected: Any) -> str:
    """What one of two lists has and the other has not, for whoever has to find out why."""
    if not isinstance(left, list):
        return "another content"
    return f"has {[r for r in left if r not in expected]!r:.400}, lacks {[r for r in expected if r not in left]!r:.400}"


def _parses(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def sweep(story: Any, folder: Path, mode: int, points: range, seeds: int) -> dict[str, int]:
    """Interrupt at every n of `points` until the story runs through untouched; returns the sums."""
    tried = Sweep(folder, story)
    sums = {"points": 0, "attempts": 0, "torn": 0, "lost": 0, "differences": 0, "failed": 0, "said": 0}
    for nth in points:
        for seed in range(seeds):
            status, told = tried.attempt(mode, nth, seed)
            full = [said for what, said in told if what == FULL_DISK]
            if status == 0 and not full:
                return sums
            wrong = tried.verdict(_promises(told))
            wrong["failed"] = int(status != (0 if full else KILLED))
            if any(wrong.values()):
                print(f"mode {mode}, call {nth}, seed {seed}: {wrong}", file=sys.stderr)
            for name, number in {**wrong, "attempts": 1, "said": sum(full)}.items():
                sums[name] += number
        sums["points"] += 1
    return sums


def _promises(told: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """What was acknowledged; the champions only of the second run, where a full disk made the story begin again."""
    marks = [at for at, (what, _) in enumerate(told) if what == FULL_DISK]
    if not marks:
        return told
    return [t for t in told[: marks[0]] if t[0] != "champion"] + told[marks[0] + 1 :]


def torn_by_a_plain_writer(folder: Path) -> int:
    """The negative control: unreadable lines left by an export that writes straight into its file."""
    data = "".join(json.dumps({"number": n, "text": "kettle " * 20}) + "\n" for n in range(10)).encode()
    torn = 0
    for seed in range(5):
        child = os.fork()
        if child == 0:
            shim.failpoints_arm(str(folder).encode(), DIE, ctypes.c_long(2), ctypes.c_ulong(seed))
            (folder / "plain.jsonl").write_bytes(data)
            os._exit(0)
        os.waitpid(child, 0)
        torn += sum(not _parses(line) for line in (folder / "plain.jsonl").read_bytes().splitlines())
    return torn


def main() -> None:
    """One share of the points: first, first + step, ..."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mode", choices=("die", "full", "control"), required=True)
    parser.add_argument("--story", choices=STORIES, default="corpus")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    args.folder.mkdir(parents=True)
    if args.mode == "control":
        print(json.dumps({"torn": torn_by_a_plain_writer(args.folder)}))
        return
    mode = DIE if args.mode == "die" else FULL
    print(json.dumps(sweep(STORIES[args.story], args.folder, mode, range(args.first, 100_000, args.step), args.seeds)))


if __name__ == "__main__":
    main()
