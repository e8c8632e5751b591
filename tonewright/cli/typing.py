"""A text that appears while it is written: paragraph by paragraph, and token by token where somebody is watching."""

from __future__ import annotations

import shutil
import sys
import unicodedata

from tonewright.rewriting.markdown import Prose, one_line
from tonewright.rewriting.rewrite import Span


class Typing:
    """Prints `text` to standard output with its spans rewritten.

    On a terminal the tokens of an answer are shown as they come, and taken back when it cannot be used.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._typed = ""
        self._live = sys.stdout.isatty()

    def piece(self, number: int, piece: Prose) -> None:
        """Print everything before a paragraph that is now being written."""
        self._print(self._text[self._at : piece.start])
        self._at = piece.start

    def token(self, said: str) -> None:
        """Show a piece of an answer that is not finished."""
        if self._live:
            said = said.replace("\n", " ")
            self._print(said)
            self._typed += said

    def span(self, span: Span) -> None:
        """Print a finished paragraph."""
        if one_line(self._typed) != span.after or not self._typed:
            self._take_back()
            self._print(span.after)
        self._typed = ""
        self._at = span.end

    def end(self) -> None:
        """Print the rest of the text as it is, in the place of what is unfinished."""
        self._take_back()
        self._print(self._text[self._at :])

    def _take_back(self) -> None:
        if self._typed:
            width = shutil.get_terminal_size().columns
            begin = _cells(self._text[self._text.rfind("\n", 0, self._at) + 1 : self._at]) % width
            rows = (begin + _cells(self._typed)) // width
            up = f"\033[{rows}A" if rows else ""
            self._print(f"{up}\033[{begin + 1}G\033[J")  # up, to the column where it began, and clear to the end
            self._typed = ""

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _cells(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
