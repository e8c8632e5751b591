"""What is measured follows how it was said, is compared with the author's own usual, and never decides a tone."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace

import pytest

np = pytest.importorskip("numpy")

from tests.synthetic import RATE, Said, speech, words  # noqa: E402  (after the skip)
from tonewright.cli.show import sparkline  # noqa: E402
from tonewright.notes.baseline import COMPARED, FARTHEST, LEAST, Baseline, baseline  # noqa: E402
from tonewright.notes.evidence import MOST, about, hint, in_words  # noqa: E402
from tonewright.notes.prosody import POINTS, Features, hear  # noqa: E402
from tonewright.notes.transcript import Transcript  # noqa: E402

TONES = ("snark", "dry", "sincere", "playful", "wistful", "plain")


def measured(*sentences: Said) -> list[Features]:
    """What is heard of these sentences with their words."""
    text = " ".join(words(s.syllables) for s in sentences)
    return hear(speech(list(sentences))[0], RATE, Transcript(text, [(0, len(text))])).features


@pytest.fixture(scope="module")
def usual() -> Baseline:
    """Forty sentences of an even speaker."""
    draw = random.Random(1)
    spoken = [
        Said(draw.randint(8, 14), draw.uniform(4.6, 5.4), draw.gauss(120, 3), draw.gauss(5, 0.7)) for _ in range(40)
    ]
    return baseline(measured(*spoken))


def test_numbers_are_those_that_were_said() -> None:
    """Pitch, range, slope, pace and pauses come out as they went in."""
    first, second = measured(Said(15, 5.0, 150.0, 6.0, pause=0.7), Said(12, 4.0, 100.0, 2.0))
    assert first.f0_median == pytest.approx(12 * np.log2(1.5), abs=0.2)
    assert first.f0_range == pytest.approx(0.9 * 6.0, abs=0.3)
    assert first.f0_slope == pytest.approx(-6.0 / 3.0, abs=0.1)
    assert first.declination == pytest.approx(-6.0 / 3.0, abs=0.2)
    assert first.rate == pytest.approx(5.0, abs=0.4)
    assert first.pause_before is None
    assert second.pause_before == pytest.approx(0.7, abs=0.1)
    assert second.f0_median == pytest.approx(0.0, abs=0.2)
    assert second.rate == pytest.approx(4.0, abs=0.4)
    assert (first.syllables, second.syllables) == (15, 12)
    assert len(first.contour) == POINTS
    json.dumps(asdict(first), allow_nan=False)


def test_a_pause_within_a_sentence_is_a_share_of_it() -> None:
    """Half a second of silence in the middle counts as pause, and does not slow the pace."""
    samples, _ = speech([Said(10, pause=0.5), Said(10)])
    text = words(20)
    (only,) = hear(samples, RATE, Transcript(text, [(0, len(text))])).features
    assert only.pause_share == pytest.approx(0.5 / 4.5, abs=0.03)
    assert only.rate == pytest.approx(5.0, abs=0.4)


def test_a_drawn_out_end_is_heard() -> None:
    """A last syllable of three times the length raises the final lengthening."""
    plain, _ = speech([Said(10)])
    drawn = np.concatenate([speech([Said(9, pause=0)])[0], speech([Said(1, 5 / 3, hertz=104)])[0][RATE // 4 :]])
    text = words(10)
    transcript = Transcript(text, [(0, len(text))])
    one, other = (hear(s, RATE, transcript).features[0].lengthening for s in (plain, drawn))
    assert one is not None
    assert other is not None
    assert other > 1.5 * one


def test_phrases_are_measured_between_pauses() -> None:
    """A slow low phrase and a quick high one, half a second apart in one sentence, are told apart."""
    samples, times = speech([Said(10, 4.0, 110.0, 3.0, pause=0.5), Said(10, 6.0, 160.0, 3.0)])
    text = words(20)
    (only,) = hear(samples, RATE, Transcript(text, [(0, len(text))])).features
    assert [(p.begin, p.until) for p in only.phrases] == [
        (pytest.approx(a, abs=0.1), pytest.approx(b, abs=0.1)) for a, b in times
    ]
    slow, quick = only.phrases
    assert slow.rate == pytest.approx(4.0, abs=0.5)
    assert quick.rate == pytest.approx(6.0, abs=0.6)
    assert slow.f0_median == pytest.approx(12 * np.log2(1.1), abs=0.5)
    assert quick.f0_median == pytest.approx(12 * np.log2(1.6), abs=0.5)


def test_a_final_movement_is_told_only_where_it_is_clear() -> None:
    """A steep fall and a steep rise to the end have their signs; a level ending has none."""
    fall, level, rise = measured(Said(8, span=14.0), Said(12, span=0.5), Said(8, span=-14.0))
    assert fall.ending is not None
    assert fall.ending < -1.5
    assert level.ending is None
    assert rise.ending is not None
    assert rise.ending > 1.5
    assert fall.harmonicity is not None
    assert fall.harmonicity > 5.0
    assert level.f0_deviation is not None
    assert fall.f0_deviation is not None
    assert fall.f0_deviation > level.f0_deviation + 1.0


def test_too_little_is_not_measured() -> None:
    """A cough of a sentence has no pitch, no pace and no place in a baseline."""
    (only,) = measured(Said(2))
    assert only.f0_median is only.f0_range is only.rate is only.lengthening is None
    assert baseline([only] * 100).sentences == 0


def test_nothing_is_usual_before_there_are_enough_sentences(usual: Baseline) -> None:
    """Up to the thirtieth sentence there is no baseline, no deviation and no hint, and the count is told."""
    sentences = measured(*[Said(10)] * (LEAST - 1))
    early = baseline(sentences)
    assert not early.is_known
    assert early.deviations(sentences[0]) == {}
    assert f"{LEAST - 1} of {LEAST}" in about(early, sentences)
    assert hint(early, [(sentences[0], 0.9)], TONES, 0.5) is None
    assert usual.is_known


@pytest.mark.parametrize(
    ("sentence", "says", "tone"),
    [
        (Said(12), "as usual", None),
        (Said(12, 3.6), "slower than your usual", None),
        (Said(12, 3.6, span=1.0), "flat range", "dry"),
        (Said(12, 3.6, 112.0, 1.0), "lower voice", "wistful"),
        (Said(16, 6.2, span=11.0), "wide range", "playful"),
        (Said(16, 6.2, span=1.0), "faster than your usual", None),
    ],
)
def test_the_way_of_speaking_is_put_in_words(usual: Baseline, sentence: Said, says: str, tone: str | None) -> None:
    """Each deviation has its words; a tone is hinted at only where two of them agree, below what would decide."""
    (features,) = measured(sentence)
    assert says in about(usual, [features])
    found = hint(usual, [(features, 0.8)], TONES, 0.5)
    assert (found.tone if found else None) == tone
    if found:
        assert says in found.evidence
        assert 0 < found.confidence <= MOST


def test_no_hint_ever_decides_alone(usual: Baseline) -> None:
    """Whatever is measured, the confidence stays below the tagger's threshold, and the tone in the vocabulary."""
    draw = random.Random(5)
    (start,) = measured(Said(12))
    for _ in range(2000):
        wild = replace(start, **{name: draw.gauss(0, 20) for name in COMPARED})
        assert all(abs(d) <= FARTHEST for d in usual.deviations(wild).values())
        threshold = draw.choice((0.05, 0.3, 0.5, 0.9))
        tones = draw.sample(TONES, 3)
        found = hint(usual, [(wild, draw.random())] * draw.randint(1, 4), tones, threshold)
        if found:
            assert found.confidence < threshold
            assert found.confidence <= MOST
            assert found.tone in tones


def test_one_odd_sentence_does_not_speak_for_a_paragraph(usual: Baseline) -> None:
    """A passage is hinted at only when more than half of its sentences agree."""
    lively, plain = measured(Said(16, 6.2, span=11.0), Said(12))
    assert hint(usual, [(lively, 0.8), (plain, 0.8)], TONES, 0.5) is None
    assert hint(usual, [(lively, 0.8), (lively, 0.8), (plain, 0.8)], TONES, 0.5) is not None


def test_the_baseline_is_not_moved_by_a_few_odd_sentences(usual: Baseline) -> None:
    """Five shouted sentences among forty leave what is usual where it was."""
    (calm, loud) = measured(Said(12), Said(12, 8.0, 220.0, 14.0))
    draw = random.Random(2)
    spread = [replace(calm, rate=draw.gauss(5, 0.4), f0_median=draw.gauss(3, 0.5)) for _ in range(40)]
    before, after = baseline(spread), baseline(spread + [loud] * 5)
    for name in ("rate", "f0_median"):
        assert after.usual[name][0] == pytest.approx(before.usual[name][0], abs=0.2)


def test_words_come_in_the_order_of_their_weight() -> None:
    """The largest deviations are named first, three at most."""
    told = in_words({"rate": -1.2, "f0_range": -2.5, "f0_median": 0.3, "pause_share": 1.1, "lengthening": 3.0})
    assert told == "drawn-out ending (3.0), flat range (2.5), slower than your usual (1.2)"


def test_a_small_contour_can_be_seen() -> None:
    """A fall goes down, a flat voice stays in the middle, and silence is a gap."""
    fall = sparkline([6.0, 4.0, None, 2.0, 0.0], 6.0)
    assert fall[0] == "█"
    assert fall[2] == " "
    assert fall[4] == "▁"
    assert list(fall.replace(" ", "")) == sorted(fall.replace(" ", ""), reverse=True)
    assert len(set(sparkline([3.0, 3.2, 3.1], 6.0))) <= 2
    assert sparkline([None, None], 6.0) == "  "
