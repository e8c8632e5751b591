"""A real browser, a real sitting: `tonewright review` in its own process, keys pressed in headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tests.integration.test_listen import record
from tests.synthetic import Said
from tests.watched import Watch
from watchers.loop import scan_all
from watchers.settle import Settling

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-quic"),
)
KETTLE = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
LOCK = "Nobody has mended the third lock since the spring, so the duchess waits there with her bicycle."
STOVE = "My stove burns what it is given, except for the manual, which it seems to have read."
POST = "_posts/2026-01-02-a.md"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; each gets a profile of its own in it."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Sitting:
    """`tonewright review` or another page, running in a blog."""

    blog: Blog
    process: subprocess.Popen[str]
    url: str
    passages: int

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def end(self) -> tuple[int, str]:
        """^C; returns the exit code and what was said last."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=20)
        return self.process.returncode, told


@dataclass
class Tab:
    """One tab, and what its page did that it should not."""

    page: Any
    faults: list[str] = field(default_factory=list)

    def press(self, key: str) -> None:
        """Press a key, and wait until the answer has come."""
        self.page.evaluate("window.before = document.querySelector('#main')")
        self.page.keyboard.press(key)
        self.page.wait_for_function("() => document.querySelector('#main') !== window.before")

    def passage(self) -> str:
        """The words that are asked about, "" when none are."""
        found = self.page.query_selector(".passage, .lines")
        return found.inner_text() if found else ""

    def said(self) -> str:
        return str(self.page.inner_text("#said"))


Open = Callable[..., Tab]
Start = Callable[..., Sitting]


@pytest.fixture
def tab(chromium: Any) -> Iterator[Open]:
    """Opens tabs: the address, then any options of the browser's context; a fault in the page fails the test."""
    opened: list[Tab] = []
    contexts: list[Any] = []

    def open_tab(url: str, context: Any = None, **options: Any) -> Tab:
        if context is None:
            context = chromium.new_context(**options)
            contexts.append(context)
        made = Tab(context.new_page())
        made.page.set_default_timeout(5_000)
        made.page.on("dialog", lambda dialog: (made.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        made.page.on("pageerror", lambda error: made.faults.append(str(error)))
        made.page.on("console", lambda m: made.faults.append(m.text) if "Content Security" in m.text else None)
        made.page.goto(url)
        opened.append(made)
        return made

    yield open_tab
    for context in contexts:
        context.close()
    assert [fault for made in opened for fault in made.faults] == []


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sittings, and ends them all."""
    running: list[Sitting] = []

    def begin(blog: Blog, *args: str, command: str = "review") -> Sitting:
        as_json = ["--json"] if command == "review" else []
        process = subprocess.Popen(
            [sys.executable, "-m", "tonewright", command, "--no-browser", *as_json, *args],
            cwd=blog.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
        )
        assert process.stdout is not None
        lines = ""
        while not lines.endswith("}\n" if as_json else "\n"):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            lines += line
        told = json.loads(lines) if as_json else {"url": lines.split()[-1], "passages": 0}
        running.append(Sitting(blog, process, told["url"], told["passages"]))
        return running[-1]

    yield begin
    for sitting in running:
        sitting.end()


def corpus(blog: Blog, *passages: str, front: str = "") -> None:
    """A post of these passages, taken into the corpus."""
    blog.settings(QUIET)
    blog.post("a", "\n\n".join(passages), front=front)
    blog.commit()
    take_in(blog)


def take_in(blog: Blog) -> None:
    """Everything that was committed comes into the corpus, as with `tonewright up --once`."""
    workspace = blog.workspace()
    scan_all(workspace, Settling(0.0), lambda _: None)
    drain(workspace)


def suggest(blog: Blog, word: str, tone: str, confidence: float = 0.6, evidence: str = "closest to: “rain”") -> None:
    """A tagger says `tone` of the passage that begins with `word`."""
    with blog.workspace().ledger.transaction() as tx:
        tx.execute(
            """INSERT INTO labels(text_hash, passage, origin, source, tone, confidence, evidence, created)
               SELECT p.text_hash, p.id, 'machine', 'embedded 1', ?, ?, ?, ?
               FROM passages p JOIN texts t ON t.hash = p.text_hash WHERE t.text LIKE ?""",
            (tone, confidence, evidence, time.time() - 60, f"{word} %"),
        )


def tags(blog: Blog) -> dict[str, str]:
    """{first word: tone} of the labels that tags have given, as any other command finds them in the ledger."""
    rows = blog.workspace().ledger.read(
        """SELECT t.text, l.tone FROM labels l JOIN texts t ON t.hash = l.text_hash
           WHERE l.origin = 'hand' AND l.source = 'tag' AND l.span_start IS NOT NULL"""
    )
    return {text.split()[0]: tone for text, tone in rows}


def files(blog: Blog) -> list[dict[str, Any]]:
    """Every line of every file below `_tones/`."""
    return [
        json.loads(line)
        for file in sorted((blog.root / "_tones").rglob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


@pytest.fixture
def three(blog: Blog) -> Blog:
    """A post of three passages without a tone; two of them have a suggestion."""
    corpus(blog, KETTLE, LOCK, STOVE)
    suggest(blog, "The", "dry", 0.6)
    suggest(blog, "Nobody", "snark", 0.55)
    return blog


@pytest.fixture
def note(three: Blog, tmp_path: Path) -> Blog:
    """The same post, and a voice note of two sentences that was listened to."""
    pytest.importorskip("av")
    folder = tmp_path / "notes"
    record(folder / "2026-05-03-walk-home.wav", [Said(10, 5.0), Said(12, 4.6)])
    three.settings(f'{QUIET}[notes]\nfolders = ["{folder}"]\n')
    watch = Watch(three.workspace())
    assert watch.take() == 1
    watch.states()
    return three
