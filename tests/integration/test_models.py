"""`tonewright model`: which models there are, what the gate said, who writes, and the way back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median

import pytest

from tests.conftest import Blog, Tell
from tonewright import runs
from tonewright.gate.intervals import Estimate
from tonewright.gate.report import Check, Example, Measures, Report
from tonewright.models import registry
from tonewright.models.base import sha256_of
from tonewright.pages.verdict import verdict


def report(promote: bool) -> Report:
    """What the gate could have said."""
    better, worse = Estimate(1.6, 1.5, 1.7), Estimate(2.5, 2.3, 2.7)
    told = Check("loss", promote, "beats the prompted base" if promote else "does not beat the prompted base")
    shown = Example("i", "dry", "It rained.", "Rain, <again>.", {"challenger": "It did rain."}, {"challenger": []})
    systems = {"prompted base": Measures(loss=worse), "challenger": Measures(loss=better)}
    return Report(promote, [told.text], systems, [shown], checks=[told])


def judged(blog: Blog, name: str, promote: bool) -> Path:
    """A model as a finished run leaves it; returns its folder."""
    workspace, said = blog.workspace(), report(promote)
    folder = workspace.folder("models", name)
    (folder / registry.ADAPTER_FILE).write_bytes(name.encode())
    (folder / registry.REPORT_TEXT).write_text(said.to_markdown(), encoding="utf-8")
    (folder / registry.REPORT_PAGE).write_bytes(verdict(said, f"run {name}", "2026-01-31"))
    with workspace.ledger.transaction() as tx:
        event = tx.execute("SELECT min(id) FROM events").fetchone()[0]
        tx.execute("INSERT OR IGNORE INTO snapshots(id, created, rows) VALUES ('s', 0, 0)")
        runs.add(tx, runs.Run(name, "s", event, "local", "r", "b", runs.FINISHED, {}, tx.now, tx.now))
        sha256 = sha256_of(folder / registry.ADAPTER_FILE)
        verdict_in_a_word = "promoted" if promote else "refused"
        model = registry.add(tx, name, folder, sha256, verdict_in_a_word, json.loads(json.dumps(said.as_dict())))
        registry.challenge(tx, model)
        if promote:
            registry.promote(tx, model)
    return folder


@pytest.fixture
def models(blog: Blog) -> Blog:
    """A blog with two promoted models and a refused one."""
    blog.settings()
    blog.post("a", "A passage of the author's.")
    blog.commit()
    assert blog.tonewright("scan").code == 0
    for name, promote in (("first0", True), ("second", True), ("third0", False)):
        judged(blog, name, promote)
    return blog


def listed(blog: Blog) -> dict[str, list[str]]:
    """{run: aliases} as a program sees them."""
    told = json.loads(blog.tonewright("model", "list", "--json").out)
    return {model["run"]: model["aliases"] for model in told["models"]}


def test_champion_challenger_previous(models: Blog) -> None:
    """The list names all three; the newest stands first, with its verdict and the gate's reason."""
    assert listed(models) == {"third0": ["challenger"], "second": ["champion"], "first0": ["previous"]}
    lines = models.tonewright("model", "list").out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["3", "challenger", "refused"], ["2", "champion", "promoted"], ["1", "previous", "promoted"]
    ]  # fmt: skip
    assert "does not beat the prompted base" in lines[0]


def test_a_refused_model_needs_a_word(models: Blog) -> None:
    """Promoting it is refused with the way out; with --anyway it writes, and one rollback goes back."""
    refused = models.tonewright("model", "promote", "3")
    assert refused.code == 4 and "--anyway" in refused.err
    told = json.loads(models.tonewright("model", "promote", "3", "--anyway", "--json").out)
    assert {"champion": 3, "run": "third0", "verdict": "refused"}.items() <= told.items()
    assert listed(models)["third0"] == ["champion", "challenger"]
    assert models.tonewright("model", "rollback").out == "champion: model 2\n"
    assert json.loads(models.tonewright("model", "rollback", "--json").out)["champion"] == 3


def test_show_prints_the_verdict_and_names_the_page(models: Blog) -> None:
    """By default the one that was judged last; the page stands alone, and what was written in it stays text."""
    said = models.tonewright("model", "show").out
    assert said.startswith("# Refused\n\n- ✗ does not beat the prompted base")
    assert "**you**: Rain, <again>." in said
    file = Path(said.rstrip().rpartition("with plots: ")[2])
    page = file.read_text(encoding="utf-8")
    assert "Rain, &lt;again&gt;." in page and "<svg" in page and "src=" not in page
    told = json.loads(models.tonewright("model", "show", "champion", "--json").out)
    assert (told["verdict"], told["page"]) == ("promoted", str(file.parents[1] / "second" / "report.html"))


def test_a_model_without_a_page_says_so(models: Blog) -> None:
    """One that was judged before pages were made is shown as text, and --open tells that there is nothing to open."""
    file = Path(json.loads(models.tonewright("model", "show", "1", "--json").out)["page"])
    file.unlink()
    assert models.tonewright("model", "show", "1").code == 0
    assert models.tonewright("model", "show", "1", "--open").code == 3


def test_rollback_is_quick(models: Blog, tell: Tell) -> None:
    """Back and forth six times, each a whole command with its start, ends where it began; how long one took is told."""
    took = []
    for _ in range(6):
        begun = time.perf_counter()
        assert models.tonewright("model", "rollback").code == 0
        took.append(time.perf_counter() - begun)
    tell(f"a rollback took {median(took):.2f} s ({min(took):.2f} to {max(took):.2f}), start of the command included")
    assert listed(models)["second"] == ["champion"]
