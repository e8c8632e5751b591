"""The blind test: three texts without names, a key for the one that is yours, saved before the next is shown."""

from __future__ import annotations

import threading
from http import HTTPStatus

from tonewright.ledger.store import Ledger
from tonewright.models.registry import Model
from tonewright.pages import html
from tonewright.pages.server import Handler, Request, Response, static
from tonewright.review import blind
from tonewright.review.sitting import Sitting


class BlindPage:
    """The routes of one sitting about one model."""

    def __init__(self, ledger: Ledger, model: Model, sitting: Sitting) -> None:
        self._ledger, self._model, self._sitting = ledger, model, sitting
        self._guard = threading.Lock()  # tabs share the sitting

    @property
    def routes(self) -> dict[tuple[str, str], Handler]:
        """What `Server` serves."""
        return {
            ("GET", ""): self._show,
            ("GET", "static"): static,
            ("POST", "choose"): self._choose,
            ("POST", "skip"): self._skip,
            ("POST", "undo"): self._undo,
        }

    def _show(self, _: Request) -> Response:
        with self._guard:
            return self._page()

    def _choose(self, request: Request) -> Response:
        number = {"1": 0, "2": 1, "3": 2}.get(request.form.get("text", ""))
        with self._guard:
            question = self._sitting.top
            if question is None or question.item != request.form.get("item") or number is None:
                return self._page("That passage has been answered in another tab. Nothing was saved.", warn=True)
            blind.choose(self._ledger, question, number)
            self._sitting.done()
            return self._page("Saved.")

    def _skip(self, _: Request) -> Response:
        with self._guard:
            self._sitting.later()
            return self._page("It comes again at the end.")

    def _undo(self, _: Request) -> Response:
        with self._guard:
            question = self._sitting.undo()
            if question is None:
                return self._page("There is nothing to take back.", warn=True)
            blind.take_back(self._ledger, question)
            return self._page("Taken back.")

    def _page(self, said: str = "", *, warn: bool = False) -> Response:
        body = html.render(
            "blind.html",
            model=self._model.id,
            sitting=self._sitting,
            question=self._sitting.top,
            tally=blind.tally(self._ledger, self._model),
            said=said,
            warn=warn,
        )
        return Response(body, status=HTTPStatus.CONFLICT if warn else HTTPStatus.OK)
