"""The review page: one card at a time, an answer by a key, saved before the next card is shown."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from markupsafe import Markup

from tonewright.pages import html, plots
from tonewright.pages.names import colours, day_in_words, of_note
from tonewright.pages.recordings import Recordings, Stretch
from tonewright.pages.server import Handler, Request, Response, static
from tonewright.review.cards import Card, Gone
from tonewright.review.deck import Deck
from tonewright.review.desk import Answer, Changed, Desk

CONTEXT = 45  # words that are shown of the passages before and after
SNIPPET = 48  # characters of a passage in a message


@dataclass(frozen=True)
class _Said:
    """One message to the author; a warning tells that something else happened than was asked for."""

    text: str = ""
    warn: bool = False


class ReviewPage:
    """The routes of one sitting at a desk with a deck of cards."""

    def __init__(self, desk: Desk, deck: Deck) -> None:
        self._desk, self._deck = desk, deck
        self._recordings = Recordings(desk.workspace)
        self._guard = threading.Lock()  # tabs share the deck

    @property
    def routes(self) -> dict[tuple[str, str], Handler]:
        """What `Server` serves."""
        return {
            ("GET", ""): self._show,
            ("GET", "static"): static,
            ("GET", "audio"): self._audio,
            ("POST", "decide"): self._decide,
            ("POST", "skip"): self._skip,
            ("POST", "undo"): self._undo,
            ("POST", "again"): self._again,
        }

    def _show(self, _: Request) -> Response:
        with self._guard:
            return self._page(_Said())

    def _decide(self, request: Request) -> Response:
        key, tone = _key(request), request.form.get("tone", "")
        with self._guard:
            try:
                answer = self._desk.decide(key, request.form.get("version", ""), tone)
            except Changed as e:
                return self._changed(e)
            except Gone as e:
                self._deck.leave(key)
                return self._page(_Said(f"Nothing was saved: {e}.", warn=True))
            self._deck.answered(answer)
            return self._page(_Said(f"Saved: {tone}."))

    def _changed(self, change: Changed) -> Response:
        """Edited words are shown as they are now; a decision made elsewhere stands, and the next card comes."""
        if change.edited:
            said = "This passage was edited while you read it. Nothing was saved; here is how it reads now."
            return self._page(_Said(said, warn=True), change.card)
        self._deck.leave(change.card.passage)
        tone = change.card.decided or "another tone"
        said = f"“{_short(change.card.words)}” was decided elsewhere meanwhile: {tone}. That stands; nothing was saved."
        return self._page(_Said(said, warn=True))

    def _skip(self, request: Request) -> Response:
        with self._guard:
            self._deck.skip(_key(request))
            return self._page(_Said("Put aside."))

    def _undo(self, _: Request) -> Response:
        with self._guard:
            last = self._deck.last
            if last is None:
                return self._page(_Said("There is nothing to take back.", warn=True))
            if isinstance(last, Answer):
                self._desk.take_back(last)  # may fail on a full disk: then nothing has happened yet
            self._deck.undo()
            return self._page(_Said(f"Taken back: {last.tone}." if isinstance(last, Answer) else "Here it is again."))

    def _again(self, _: Request) -> Response:
        with self._guard:
            self._deck.again()
            return self._page(_Said())

    def _audio(self, request: Request) -> Response:
        name = request.rest.removesuffix(".wav")
        stretch = self._recordings.stretch(int(name)) if name.isascii() and name.isdigit() else None
        if stretch is None:
            return Response(b"there is no such recording\n", "text/plain", HTTPStatus.NOT_FOUND)
        return Response(stretch.wav(), "audio/wav")

    def _page(self, said: _Said, card: Card | None = None) -> Response:
        """The card that is on top, unless it is given."""
        card = card or self._deck.top(self._desk)
        tones = self._desk.workspace.vocabulary.names
        values: dict[str, Any] = {"card": card, "deck": self._deck, "said": said.text, "warn": said.warn}
        values |= {"tones": tones, "folder": self._desk.workspace.config.tones.folder, "colour": colours(tones)}
        if card is not None:
            stretch = self._recordings.stretch(card.passage) if card.origin == "note" else None
            title, written = of_note(card.text.name) if card.origin == "note" else (card.title, card.written)
            values |= {
                "title": title,
                "written": written,
                "day": day_in_words(written),
                "before": _end(card.before),
                "after": _beginning(card.after),
                "first": next((s.tone for s in card.suggestions if s.tone in tones), ""),
                "sound": stretch and drawn(stretch),
            }
        status = HTTPStatus.CONFLICT if said.warn else HTTPStatus.OK
        return Response(html.render("review.html", **values), status=status)


def drawn(stretch: Stretch) -> dict[str, Any]:
    """What the template shows of a recording: a drawing, and its sentences on the clock."""
    places = [(max(0.0, s.placed.begin - stretch.begin), s.placed.until - stretch.begin) for s in stretch.lines]
    bands = [
        plots.Band(begin, until, str(number), bool(line.placed.flag))
        for number, ((begin, until), line) in enumerate(zip(places, stretch.lines), 1)
    ]
    label = f"Pitch and loudness over {stretch.seconds:.0f} seconds, {len(bands)} sentences"
    drawing: Markup = plots.voice(stretch.seconds, stretch.pitch(), bands, stretch.levels(), label)
    lines = [
        {"begin": begin, "until": until, "text": line.text, "flag": line.placed.flag, "evidence": line.evidence}
        for (begin, until), line in zip(places, stretch.lines)
    ]
    return {"drawing": drawing, "seconds": stretch.seconds, "evidence": stretch.evidence, "lines": lines}


def _key(request: Request) -> int:
    """The passage that a form is about; -1, which is none, for anything that is no number."""
    text = request.form.get("passage", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _short(text: str) -> str:
    return text if len(text) <= SNIPPET else text[:SNIPPET].rsplit(" ", 1)[0] + " …"


def _end(text: str) -> str:
    words = text.split()
    return text if len(words) <= CONTEXT else "… " + " ".join(words[-CONTEXT:])


def _beginning(text: str) -> str:
    words = text.split()
    return text if len(words) <= CONTEXT else " ".join(words[:CONTEXT]) + " …"
