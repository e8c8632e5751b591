"""Words and voice propose a tone only where they support each other, bounded, with both kinds of evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tonewright.notes.baseline import LEAST, Baseline, baseline
from tonewright.notes.proposal import MOST_INFERRED, MOST_TOGETHER, TextCue, propose
from tonewright.notes.prosody import Features

TONES = ("snark", "dry", "sincere", "playful", "wistful", "plain")
THRESHOLD = 0.5
EVEN = Features(
    f0_median=2.0,
    f0_range=6.0,
    f0_slope=-1.0,
    declination=-1.0,
    rate=5.0,
    pause_before=0.5,
    pause_share=0.1,
    level=-20.0,
    level_range=20.0,
    lengthening=1.0,
    syllables=12,
    voiced=1.5,
    contour=(),
)


@pytest.fixture(scope="module")
def usual() -> Baseline:
    """A speaker whose sentences vary a little, evenly in both directions."""
    steps = [i / (2 * LEAST) - 0.5 for i in range(2 * LEAST)]
    return baseline([replace(EVEN, rate=5 + s, f0_range=6 + 3 * s, f0_median=2 + s) for s in steps])


def proposed(
    usual: Baseline, cue: TextCue | None, trust: float = 0.8, **numbers: float
) -> tuple[str, float, str, bool] | None:
    found = propose(cue, usual, [(replace(EVEN, **numbers), trust)], TONES, THRESHOLD)  # type: ignore[arg-type]
    return (found[0].tone, found[0].confidence, found[0].evidence, found[1]) if found else None


@pytest.mark.parametrize(
    ("said", "numbers", "tone"),
    [
        ("snark", {"rate": 3.0, "f0_median": -1.0}, "snark"),
        ("dry", {"rate": 3.0, "f0_range": 12.0}, "snark"),
        ("snark", {"f0_range": 2.0}, "dry"),
        ("sincere", {}, "sincere"),
        ("playful", {"f0_range": 12.0}, "playful"),
        ("wistful", {"rate": 3.0}, "wistful"),
    ],
)
def test_words_and_voice_that_agree(usual: Baseline, said: str, numbers: dict[str, float], tone: str) -> None:
    """Each rule, with its bound; the evidence quotes the words' confidence and the voice's deviations."""
    found = proposed(usual, TextCue(said, 0.9), **numbers)
    assert found is not None
    assert found[0] == tone
    assert found[3]
    assert THRESHOLD < found[1] <= (MOST_INFERRED if tone in ("dry", "sincere") else MOST_TOGETHER)
    assert found[2].startswith(f"words: {said} (0.90); voice: ")


def test_nothing_is_proposed_where_they_do_not_agree(usual: Baseline) -> None:
    """Snarky words in the usual voice, sincere words in a slow one, plain words in any: no proposal of both."""
    assert proposed(usual, TextCue("snark", 0.9)) is None
    assert proposed(usual, TextCue("sincere", 0.9), rate=3.0) is None
    assert proposed(usual, TextCue("playful", 0.9), rate=3.0) is None
    assert proposed(usual, TextCue("plain", 0.9), rate=3.0) is None


def test_words_that_were_not_heard_clearly_weigh_less(usual: Baseline) -> None:
    """Half of the words may be others: the same cue gives less, or nothing, and the evidence says why."""
    clear = proposed(usual, TextCue("snark", 0.95), rate=3.0)
    unclear = proposed(usual, TextCue("snark", 0.95, certainty=0.6), rate=3.0)
    assert clear is not None
    assert unclear is not None
    assert unclear[1] < clear[1]
    assert "40% of them unclear" in unclear[2]
    assert proposed(usual, TextCue("snark", 0.95, certainty=0.4), rate=3.0) is None


def test_the_voice_alone_never_decides(usual: Baseline) -> None:
    """Without words, however unusual the voice: below the threshold that decides, or nothing."""
    for pace in (1.0, 2.0, 3.0, 5.0, 7.0, 9.0):
        for span in (0.5, 2.0, 6.0, 12.0, 20.0):
            found = proposed(usual, None, trust=1.0, rate=pace, f0_range=span)
            assert found is None or (found[1] < THRESHOLD and not found[3])


def test_the_bound_holds_for_whatever_is_measured(usual: Baseline) -> None:
    """No tone, confidence or voice takes a proposal above what it is trusted with."""
    for tone in TONES:
        for pace in (1.0, 3.0, 5.0, 9.0):
            for span in (0.5, 6.0, 20.0):
                found = proposed(usual, TextCue(tone, 1.0), trust=1.0, rate=pace, f0_range=span, level_range=60.0)
                assert found is None or found[1] <= MOST_TOGETHER


def test_sentences_whose_words_do_not_fit_the_sound_are_no_evidence(usual: Baseline) -> None:
    """A sentence that is badly placed was perhaps not said like this at all."""
    assert proposed(usual, TextCue("snark", 0.9), trust=0.2, rate=3.0, f0_median=-1.0) is None


def test_without_a_baseline_nothing_is_compared(usual: Baseline) -> None:
    """The first notes of an author propose nothing, whatever the words say."""
    assert proposed(baseline([EVEN] * (LEAST - 1)), TextCue("snark", 0.9), rate=3.0) is None
