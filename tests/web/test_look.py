"""How the page looks and is moved through, measured: contrast, widths, focus, and what plays."""

from __future__ import annotations

from typing import Any

from tests.conftest import Blog
from tests.web.conftest import Open, Start, files

# WCAG 2.2, 1.4.3: every visible text against what is painted behind it.
PALE = """() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    const bar = element.classList.contains("count") && element.previousElementSibling;
    if (bar) return channels(getComputedStyle(bar).fill);
    for (let e = element; e; e = e.parentElement) {
      const colour = channels(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const pale = [];
  let seen = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest("title")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(channels(element.closest("svg") ? style.fill : style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (ratio < 4.5) pale.push(`${ratio.toFixed(2)} ${texts.currentNode.data.trim()}`);
  }
  const root = document.documentElement;
  return {seen, pale, width: root.scrollWidth, paper: getComputedStyle(root).backgroundColor};
}"""
FOCUS = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [element.innerText.trim().split("\\n")[0].trim(), seen];
}"""


def look(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(PALE)
    return found


def test_every_text_can_be_read(note: Blog, start: Start, tab: Open) -> None:
    """Contrast of 4.5 and more in both schemes: cards of text and of sound, the keys, the end; at 320 pixels' width."""
    sitting = start(note)
    papers = set()
    for scheme in ("light", "dark"):
        page = tab(sitting.url, color_scheme=scheme, viewport={"width": 320, "height": 640})
        for key in ("?", "?", "s", "s", "s", "s"):
            found = look(page.page)
            assert found["pale"] == []
            assert found["seen"] > 5
            assert found["width"] == 320, "nothing makes a phone scroll sideways"
            papers.add(found["paper"])
            (page.page.keyboard.press if key == "?" else page.press)(key)
        assert look(page.page)["pale"] == []
        page.press("Enter")
    assert papers == {"rgb(251, 248, 243)", "rgb(22, 23, 26)"}


def test_the_keyboard_reaches_everything_and_is_seen_to(three: Blog, start: Start, tab: Open) -> None:
    """Tab goes in reading order, each stop has a visible outline, and Enter on a button is that button."""
    page = tab(start(three).url)
    page.press("s")
    stops = []
    for _ in range(10):
        page.page.keyboard.press("Tab")
        stops.append(page.page.evaluate(FOCUS))
    names = [name.split(" ")[0] for name, _ in stops]
    assert names == ["Accept", "snark", "dry", "sincere", "playful", "wistful", "plain", "Skip", "Undo", "Keys"]
    assert all(seen for _, seen in stops), stops
    for _ in range(2):
        page.page.keyboard.press("Shift+Tab")
    page.press("Enter")
    assert page.said() == "Put aside."
    assert page.page.evaluate("document.activeElement.id") == "main", "and the next card has the focus"


def test_a_note_is_seen_and_heard(note: Blog, start: Start, tab: Open) -> None:
    """Space plays and stops, the line moves with the sound, a sentence on its own can be played, the tone is saved."""
    page = tab(start(note).url)
    while not page.page.query_selector("#play"):
        page.press("s")
    drawing = page.page.get_attribute(".voice [role=img]", "aria-label")
    assert "2 sentences" in drawing
    assert page.page.locator(".voice .band").count() == 2
    assert len(page.page.get_attribute(".voice .pitch", "d")) > 200
    assert len(page.page.get_attribute(".voice .sound", "d")) > 200
    page.page.keyboard.press("Space")
    page.page.wait_for_function("() => parseFloat(document.querySelector('.playhead').getAttribute('x1')) > 1")
    assert page.page.get_attribute("#play", "aria-pressed") == "true"
    page.page.keyboard.press("Space")
    page.page.wait_for_function("() => document.querySelector('#play').getAttribute('aria-pressed') === 'false'")
    page.page.click(".lines li:nth-child(2) button")
    page.page.wait_for_function("() => document.querySelector('.lines li:nth-child(2).now')")
    page.press("3")
    assert page.said() == "Saved: sincere."
    decision = next(line for line in files(note))
    assert (decision["tone"], decision.get("quote", "")) == ("sincere", ""), "words of a note are not made public"
