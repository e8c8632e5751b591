"""The dashboard in a real browser: live, readable, for reading only, and the same facts as JSON and as one file."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import QUIET, Blog
from tests.web.conftest import Open, Start, corpus, suggest, take_in
from tests.web.judged import RUN, trained
from tests.web.test_door import Client
from tests.web.test_look import FOCUS, look
from tonewright.events import POST, NewEvent
from tonewright.pages.names import moment
from tonewright.runs import POLL, Run, add, report

HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))"
UNNAMED = """() => [...document.querySelectorAll('section, progress, [role=img]')].filter(e =>
  !e.getAttribute('aria-label') && !document.getElementById(e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"""


@pytest.fixture
def busy(blog: Blog) -> Blog:
    """A post with suggestions, something that failed, and a training."""
    corpus(
        blog, "The kettle gave up on Tuesday, which is the day it usually picks.", "Nobody has mended the third lock."
    )
    suggest(blog, "The", "dry", 0.9)
    fail(blog, "_posts/2026-01-09-broken.md", "line 3 is no YAML: put the title between quotes; `tonewright retry`")
    trained(blog)
    return blog


def fail(blog: Blog, source: str, note: str) -> None:
    """An event that was given up."""
    ledger = blog.workspace().ledger
    (event,) = ledger.add([NewEvent(POST, source, "1", {})])
    with ledger.transaction() as tx:
        tx.execute("UPDATE events SET state = 'failed', note = ? WHERE id = ?", (note, event))


def test_it_follows_what_happens(blog: Blog, start: Start, tab: Open) -> None:
    """An empty blog says what to do; posts and failures appear without a reload, and its end is told."""
    blog.settings(QUIET + '[hosts.laptop]\naddress = "laptop.local"\n')
    sitting = start(blog, command="dashboard")
    page = tab(sitting.url).page
    shown = page.inner_text("main")
    for words in ("tonewright up starts it", "Commit a post", "Nothing waits", "tonewright review", "untrained base"):
        assert words in shown
    assert "tonewright host check laptop" in shown
    blog.post("kettle", "The kettle gave up on Tuesday.")
    blog.commit()
    take_in(blog)
    page.wait_for_selector("#came-in >> text=_posts/2026-01-02-kettle.md")
    fail(blog, "_posts/x.md", "line 3 is <i>no</i> YAML: quote it")
    page.wait_for_selector("#failed >> text=line 3 is <i>no</i> YAML: quote it")
    assert "tonewright retry" in page.inner_text("#failed")
    sitting.end()
    page.wait_for_selector("#live >> text=tonewright has stopped")


def test_it_can_be_read(busy: Blog, start: Start, tab: Open) -> None:
    """Contrast, widths of a phone, headings in order and names for everything: the board, a run, both schemes."""
    sitting = start(busy, command="dashboard")
    for scheme, width in (("light", 320), ("dark", 1200)):
        page = tab(sitting.url, color_scheme=scheme, viewport={"width": width, "height": 700}).page
        for _ in range(2):
            found = look(page)
            assert (found["pale"], found["width"]) == ([], width)
            levels = page.evaluate(HEADINGS)
            assert levels[0] == 1
            assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
            assert page.evaluate(UNNAMED) == []
            if page.query_selector("#runs a"):
                page.click("#runs a")
    assert "recites <b>you</b>" in page.inner_text(".not-passed")
    assert "held-out 2.90 before, 1.70 after" in page.get_attribute(".voice [role=img]", "aria-label")


def test_a_training_under_way(busy: Blog, start: Start, tab: Open) -> None:
    """Its step, speed and time to go stand on its page and on the board, and move by themselves."""
    ledger = busy.workspace().ledger
    told = {"steps": 40, "loss": 2.25, "tokens_per_second": 321.0, "eta_seconds": 90, "losses": [[1, 3.0], [9, 2.25]]}
    run = Run("cd" * 8, "snap", 1, "laptop", "smollm2-135m", "b" * 64, POLL, {}, 0.0, 0.0)
    with ledger.transaction() as tx:
        add(tx, run)
    report(ledger, run.id, {"progress": {**told, "step": 9}})
    page = tab(start(busy, command="dashboard").url).page
    assert "step 9 of 40" in page.inner_text("#runs li:nth-child(1)")
    page.click("#runs a")
    figures = page.inner_text(".figures").split()
    assert {"9", "2.25", "321", "1.5"} <= set(figures)
    report(ledger, run.id, {"progress": {**told, "step": 10}})
    page.wait_for_selector(".figures >> text=10")
    assert "no losses" not in page.inner_text("main")
    curve = [[1, 0.69, 0.5, 0.01], [3, 0.4, 1.0, 0.82]]
    report(ledger, run.id, {"progress": {**told, "step": 3, "steps": 6, "phase": "preference", "preference": curve}})
    page.wait_for_selector("h2 >> text=Your corrections")
    assert "100 % had moved towards your wording" in page.inner_text("main")
    drawn = [drawing.get_attribute("aria-label") for drawing in page.query_selector_all(".voice [role=img]")]
    assert [label.rpartition(" over ")[2] for label in drawn] == ["9 steps", "6 steps"]


def test_the_keyboard_reaches_its_links(busy: Blog, start: Start, tab: Open) -> None:
    """Tab stops at each link, visibly, and Enter opens the run."""
    page = tab(start(busy, command="dashboard").url).page
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == [RUN[:8], True]
    page.keyboard.press("Enter")
    page.wait_for_selector("h1 >> text=Run")


def test_without_scripts(busy: Blog, start: Start, tab: Open) -> None:
    """It is all there, and asks the browser to load it anew."""
    page = tab(start(busy, command="dashboard").url, java_script_enabled=False).page
    assert "line 3 is no YAML" in page.inner_text("#failed")
    assert page.get_attribute("noscript meta", "http-equiv") == "refresh"


def test_only_for_reading_and_for_the_author(busy: Blog, start: Start) -> None:
    """Nothing without the token, nothing that changes anything, no run or report that does not exist."""
    client = Client(start(busy, command="dashboard"))
    assert client.ask("GET", "/")[0] == 403
    client.visit()
    assert client.ask("GET", "/", Host="evil.example")[0] == 403
    status, headers, _ = client.ask("GET", "/")
    assert status == 200
    assert "unsafe" not in headers["content-security-policy"]
    assert client.ask("GET", f"/report/{RUN}")[2] == b"# Promoted\n"
    page = busy.workspace().folder("models", RUN) / "report.html"
    page.write_text("<title>Promoted</title>")
    status, headers, body = client.ask("GET", f"/report/{RUN}")
    assert (status, body) == (200, page.read_bytes())
    assert headers["content-security-policy"].startswith("default-src 'none'")
    for path in ("/runs/..%2F..%2Fledger.db", "/report/ab", "/runs/", "/nothing"):
        assert client.ask("GET", path)[0] == 404
    assert client.ask("POST", "/", Origin=f"http://{client.host}")[0] == 404


def test_the_same_as_json_and_as_one_file(busy: Blog, tmp_path: Path, tab: Open) -> None:
    """`--json` has the facts; `--once` and `runs --page` write files that load nothing and hold run and failure."""
    told: dict[str, Any] = json.loads(busy.tonewright("dashboard", "--json").out)
    assert told["failed"][0]["source"] == "_posts/2026-01-09-broken.md"
    assert (told["runs"][0]["id"], told["champion"]["run"]) == (RUN, RUN)
    assert (told["documents"], told["months"][0]["machine"]) == ({"git": 1}, {"dry": 1})
    assert told["machines"][0]["last"].startswith(f"run {RUN[:8]}")
    rules = {rule["name"]: rule for rule in told["growth"]["rules"]}
    assert 0 <= rules["min_new_examples"]["share"] < 1
    for command in (["dashboard", "--once"], ["runs", "--page"]):
        file = tmp_path / f"{command[0]}.html"
        assert busy.tonewright(*command, str(file)).code == 0
        page = file.read_text(encoding="utf-8")
        assert not re.search(r"<script|<link|src=|https?://", page)
        shown = tab(file.as_uri()).page.inner_text("main")
        assert "recites <b>you</b>" in shown
        assert ("line 3 is no YAML" in shown) == (command[0] == "dashboard")


@pytest.mark.parametrize(
    ("away", "words"),
    [(-5, "just now"), (-90, "2 min ago"), (-7200, "2 h ago"), (3 * 86400, "in 3 d"), (30, "in a moment")],
)
def test_moments(away: float, words: str) -> None:
    """Times are told as a person would."""
    assert moment(1000.0 + away, 1000.0) == words
