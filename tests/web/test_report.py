"""The report: one file that needs nothing but itself, and tells what the commands tell."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import Blog
from tests.web.conftest import Open
from tests.web.test_look import look


def test_one_page_tells_it_all_and_loads_nothing(note: Blog, tab: Open, tmp_path: Path) -> None:
    """Months, agreement and the note are drawn; no address outside is named; it reads well on a phone, in the dark."""
    assert note.tonewright("tag", "_posts/2026-01-02-a.md:5", "dry").code == 0
    file = tmp_path / "report.html"
    told = json.loads(note.tonewright("report", "--output", str(file), "--json").out)
    assert told["file"] == str(file)
    page = file.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href|url)\s*[=(]", page)
    options = {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark", "offline": True}
    shown = tab(file.as_uri(), **options).page
    found = look(shown)
    assert found["pale"] == []
    assert found["width"] == 320
    assert shown.evaluate("getComputedStyle(document.body).maxWidth") == "736px", "the style's hash is the right one"
    text = shown.inner_text("main")
    for words in ("2026-01", "embedded 1", "100 %", "Walk home", "3 May 2026", "no baseline yet"):
        assert words in text, words
    assert shown.locator(".months [role=img]").count() >= 2
    assert shown.locator(".note .pitch").count() == 1


def test_the_report_stays_private_and_escapes(blog: Blog) -> None:
    """Without --output it lies in the state folder; a folder's name with angle brackets is text."""
    blog.settings()
    blog.commit()
    done = blog.tonewright("report", "--json")
    assert done.code == 0, done.err
    file = Path(json.loads(done.out)["file"])
    assert file.is_relative_to(blog.workspace().state)
    assert "No tagger has said anything yet" in file.read_text(encoding="utf-8")
    assert blog.git("status", "--porcelain") == ""
