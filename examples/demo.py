"""`make demo`: the whole job on the example blog, with the real hooks, watchers, queue, training, export and gate.

Everything happens in `.demo/`; run again, it goes on from what is there.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from build_blog import build, commits, replay

from tonewright.cli.show import sparkline

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
BLOG, NOTES, STATE = HOME / "blog", HOME / "notes", HOME / "state"
COMMAND = [sys.executable, "-m", "tonewright"]
LIVE = 2  # commits that are made while everything is running
LIMIT_SECONDS = 1500.0
ENV = {
    **os.environ,
    "HOME": str(HOME / "home"),  # the author's own settings, keys and configuration stay out of it
    "TONEWRIGHT_STATE": str(STATE),
    "TONEWRIGHT_CACHE": str(HOME / "cache"),
    "TONEWRIGHT_NOTES_SETTLE_SECONDS": "1.0",
    "TONEWRIGHT_TRAINING_POLL_SECONDS": "1.0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "PYTHONPATH": str(ROOT),
}
# What one jots down on the way home; the model writes it out.
SAMPLE = "Rain all week; nobody came; I painted the gate, third coat, and talked to the seagull; he not impressed."
started = time.monotonic()


def say(text: str = "") -> None:
    """One line with the minutes since the start."""
    passed = int(time.monotonic() - started)
    print(f"[{passed // 60:2d}:{passed % 60:02d}] {text}" if text else "", flush=True)


def title(text: str) -> None:
    """A stage begins."""
    print(f"\n── {text} " + "─" * max(0, 90 - len(text)), flush=True)


def tonewright(*words: str, check: bool = True) -> str:
    """Run the command as a user would, and show it."""
    done = subprocess.run([*COMMAND, *words], cwd=BLOG, env=ENV, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"tonewright {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def asked(*words: str) -> dict[str, Any]:
    """A command's JSON answer; empty when there is nothing to tell yet."""
    text = tonewright(*words, "--json", check=False)
    answer: dict[str, Any] = json.loads(text) if text.strip() else {}
    return answer


@contextmanager
def up() -> Iterator[subprocess.Popen[bytes]]:
    """`tonewright up` in the background: watchers and queue, its words in .demo/up.log."""
    with (HOME / "up.log").open("ab") as log:
        process = subprocess.Popen(
            [*COMMAND, "up"], cwd=BLOG, env=ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


class Line:
    """A line that is replaced on a terminal, and printed every quarter of a minute elsewhere."""

    def __init__(self) -> None:
        self.latest, self.said, self.at = "", "", 0.0

    def show(self, text: str) -> None:
        """This is how it stands now."""
        self.latest = text
        if sys.stdout.isatty():
            print(f"\r\033[K        {text}", end="", flush=True)
        elif time.monotonic() - self.at > 15:
            self._say()

    def end(self) -> None:
        """This is how it stayed."""
        if sys.stdout.isatty() and self.latest:
            print(flush=True)
        elif self.latest:
            self._say()
        self.latest = ""

    def _say(self) -> None:
        if self.latest != self.said:
            say(self.latest)
        self.said, self.at = self.latest, time.monotonic()


def prepare() -> None:
    """A throw-away copy of the example blog, all but its last commits, with tonewright installed."""
    title("a blog with its history, and tonewright in it")
    for folder in (HOME / "home", NOTES):
        folder.mkdir(parents=True, exist_ok=True)
    if not BLOG.exists():
        os.environ.update({k: ENV[k] for k in ("HOME", "GIT_CONFIG_NOSYSTEM")})
        build(BLOG, until=-LIVE)
    say(f"{len(commits()) - LIVE} commits of Ines Carrow's blog in {BLOG.relative_to(ROOT)}")
    for line in tonewright("init", "--notes", str(NOTES)).splitlines():
        say(line.replace(f"{ROOT}/", ""))


def live_events() -> None:
    """What an author does on any day: two commits, one note dropped."""
    title("a commit and a voice note, while it watches")
    while not asked("status")["events"]:
        time.sleep(0.5)
        expire()
    have = int(subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=BLOG, capture_output=True, text=True).stdout)
    if have < len(commits()):
        replay(BLOG, have, len(commits()))
        shown = subprocess.run(["git", "log", f"-{LIVE}", "--format=%h %s"], cwd=BLOG, capture_output=True, text=True)
        for line in shown.stdout.splitlines()[::-1]:
            say(f"git commit: {line} (the hook rang)")
    else:
        say("the commits are there from the last run")
    for file in sorted((ROOT / "examples" / "notes").rglob("*.*")):
        goal = NOTES / file.relative_to(ROOT / "examples" / "notes")
        goal.parent.mkdir(parents=True, exist_ok=True)
        if not goal.exists():
            shutil.copy(file, goal)
            say(f"dropped {goal.relative_to(ROOT)}")


def follow_corpus() -> None:
    """Until everything that came in is in the corpus."""
    title("into the corpus: passages, tones, plain versions")
    line, quiet = Line(), 0
    for row in tonewright("retrain", "--why").splitlines():
        say(row)
    while quiet < 2:
        told = asked("status")["events"]
        open_ = sum(
            states.get(s, 0) for kind, states in told.items() for s in ("pending", "leased") if kind != "retrain"
        )
        waiting = sum(
            1 for e in asked("status")["waiting"] if e["kind"] != "retrain" and e["next_at"] > time.time() + 2
        )
        counts = asked("corpus", "stats")
        line.show(
            f"{counts['passages']} passages, {sum(counts['tones']['hand'].values())} tagged by hand, "
            f"{sum(counts['tones']['machine'].values())} by the model, {counts['rows']['train']} rows to train on"
        )
        # Retraining may begin the moment the last event is done; that ends this stage as well.
        quiet = quiet + 1 if open_ - waiting <= 0 or told.get("retrain") else 0
        time.sleep(2.0)
        expire()
    line.end()
    print(textwrap.indent(tonewright("corpus", "stats"), " " * 8), end="")
    for row in tonewright("log", "down-in-the-fog.md").splitlines():
        print(f"        {row[:150]}")


def follow_retrain() -> dict[str, Any]:
    """Until the gate has spoken; returns the model's record."""
    title("thresholds crossed: QLoRA over Fabric, GGUF export, gate")
    events = asked("log", "-n", "500")["events"]
    say(next((f"{e['kind']} event: {e['payload']['because']}" for e in events if e["kind"] == "retrain"), ""))
    line, losses, step = Line(), [], ""
    while True:
        run = asked("retrain", "status").get("run", {})
        told = (run.get("progress") or {}).get("progress") or {}
        if told.get("loss") is not None and (not losses or losses[-1] != told["loss"]):
            losses.append(told["loss"])
        if run and run["step"] != step:
            line.end()
            step = run["step"]
        if run:
            described = tonewright("retrain", "status").strip().splitlines()[-1].strip()
            line.show(f"{described}  {spark(losses)}" if step == "poll" else described)
        models = asked("model", "list").get("models", [])
        if models and run.get("step") == "finished":
            line.end()
            return models[0]
        failed = [e for e in asked("status")["failed"] if e["kind"] == "retrain"]
        if failed:
            sys.exit(f"the retrain failed: {failed[0]['note']}")
        time.sleep(2.0)
        expire()


def spark(losses: list[float]) -> str:
    """The losses so far as thirty blocks at most; each is the mean of eight steps, since rows differ a lot."""
    smooth = [statistics.fmean(losses[i - 8 : i]) for i in range(8, len(losses) + 1)]
    if len(smooth) < 2:
        return ""
    points = min(30, len(smooth))
    picked = [smooth[i * (len(smooth) - 1) // (points - 1)] for i in range(points)]
    return f"{sparkline(picked)} {smooth[0]:.2f} → {smooth[-1]:.2f}"


def show_result(model: dict[str, Any]) -> None:
    """One paragraph, twice, and what the gate said."""
    title("the same paragraph, before and after")
    (HOME / "sample.md").write_text(SAMPLE + "\n", encoding="utf-8")
    side_by_side = {
        "source": SAMPLE,
        "base": tonewright("rewrite", "--tone", "dry", "--model", "base", str(HOME / "sample.md")).strip(),
        "tuned": tonewright("rewrite", "--tone", "dry", "--model", str(model["id"]), str(HOME / "sample.md")).strip(),
    }
    for name, text in side_by_side.items():
        print(textwrap.fill(text, 100, initial_indent=f"  {name:<8}", subsequent_indent=" " * 10), "\n")
    title(f"the gate: {model['verdict']}")
    for reason in model["report"]["reasons"]:
        print(textwrap.fill(reason, 100, initial_indent="  - ", subsequent_indent="    "))
    print(f"\nLook around: cd {BLOG.relative_to(ROOT)} && export TONEWRIGHT_STATE={STATE}")
    print("  tonewright status | log | corpus stats | retrain --why | model show | rewrite --tone dry FILE")
    print(f"  report: {Path(model['folder']).relative_to(ROOT)}/report.html")


def expire() -> None:
    """Give up rather than hang."""
    if time.monotonic() - started > LIMIT_SECONDS:
        sys.exit(f"not finished after {LIMIT_SECONDS:.0f} s; .demo/up.log tells what happened")


def main() -> None:
    """The stages, in order."""
    prepare()
    with up() as process:
        live_events()
        follow_corpus()
        model = follow_retrain()
        if process.poll() is not None:
            sys.exit("`tonewright up` ended by itself; .demo/up.log tells why")
    show_result(model)
    say(f"done in {(time.monotonic() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
