"""Child processes: a clean environment, a time limit, and errors that a person can read."""

from __future__ import annotations

import sys

import pytest

from tonewright.errors import Missing, TonewrightError
from tonewright.process import run


def test_gits_own_variables_stay_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child started from a hook must not answer for the repository that the hook ran in."""
    monkeypatch.setenv("GIT_DIR", "/elsewhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "/elsewhere/.git/index")
    shown = run([sys.executable, "-c", "import os; print([k for k in os.environ if k.startswith('GIT_')])"]).stdout
    assert "GIT_DIR" not in shown
    assert "GIT_INDEX_FILE" not in shown


def test_failures_are_sentences() -> None:
    """Absent, failing and endless programs are told apart, with the last that they said."""
    with pytest.raises(Missing, match="install no-such-program"):
        run(["no-such-program"])
    with pytest.raises(TonewrightError, match=r"ended with 3: oh dear"):
        run([sys.executable, "-c", "import sys; print('oh dear', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(TonewrightError, match="did not end within"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
