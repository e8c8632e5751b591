"""The gate's rules: what each asks, and how its answer sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from tonewright.config.schema import Gate
from tonewright.gate.canary import MOST_BITS
from tonewright.gate.evidence import Draws, Evidence
from tonewright.gate.intervals import Counted, Estimate
from tonewright.gate.report import Check
from tonewright.gate.systems import BASE, CHALLENGER, CHAMPION

Pick = Callable[[Evidence], Counted]
_LIKENESS, _TONE, _MEANING, _KEPT = (attrgetter(name) for name in ("likeness", "tone", "meaning", "kept"))

FEW = 6  # passages below which the new model must be better on every single one: a bootstrap of five is a guess
FEWEST = 4  # answers, facts or canaries below which a rule has nothing to go by
OVERLAP_MARGIN = 4  # words beyond what the author's own held-out text shares with the training text
FAITHFUL = 0.9  # told by its meaning so often, an answer is about what was asked
LEAK = 0.5  # bits by which rare numbers may be better known than to the base, beyond chance


@dataclass(frozen=True)
class Bench:
    """What the rules look at: each system's evidence, the author's own, and how well likeness tells them apart."""

    papers: Mapping[str, Evidence]
    own: Evidence
    apart: Estimate
    draws: Draws
    gate: Gate

    @property
    def new(self) -> Evidence:
        """The challenger's."""
        return self.papers[CHALLENGER]

    @property
    def rivals(self) -> list[str]:
        """Whom it has to stand beside: the prompted base, and the champion if there is one."""
        return [name for name in self.papers if name != CHALLENGER]

    def against(self, rival: str, pick: Pick) -> Estimate:
        """The challenger's figure minus the rival's."""
        return self.draws.aloud.difference(pick(self.new), pick(self.papers[rival]))

    def better(self, pick: Pick) -> tuple[str, Estimate] | None:
        """The rival that is better by more than chance, with the difference; None when there is none."""
        found = [(rival, self.against(rival, pick)) for rival in self.rivals]
        return min((f for f in found if f[1].high < 0), key=lambda f: f[1].value, default=None)


def decide(bench: Bench) -> list[Check]:
    """Every rule, in the order in which the report tells them."""
    return [
        *(_beats(bench, rival) for rival in bench.rivals),
        _resembles(bench),
        _heeds_the_tone(bench),
        _means_the_same(bench),
        _keeps_the_facts(bench),
        _does_not_recite(bench),
        _gives_nothing_away(bench),
    ]


def _beats(bench: Bench, rival: str) -> Check:
    """Finds the author's own words cheaper, by more than chance: the whole interval below zero."""
    new, old = bench.new.loss, bench.papers[rival].loss
    change = f"{old.figure:.2f} → {new.figure:.2f} nats per word"
    if len(new.values) < FEW:
        better = sum(a < b for a, b in zip(new.values, old.values))
        passed, detail = better == len(new.values), f"better on {better} of {len(new.values)} passages"
    else:
        found = bench.draws.scored.difference(new, old)
        passed, detail = found.high < 0, _interval(found)
    return Check("loss", passed, f"{'beats' if passed else 'does not beat'} the {rival}: {change} ({detail})")


def _resembles(bench: Bench) -> Check:
    """Writes no less in the author's manner than anybody it would replace."""
    if bench.apart.low <= 0.5:
        told = f"your own held-out text is told from other people's in {bench.apart.value:.0%} of pairs"
        return Check("likeness", True, f"likeness does not count: {told} ({_percents(bench.apart)})", counted=False)
    if worse := bench.better(_LIKENESS):
        return Check("likeness", False, f"is less like you than the {worse[0]}: {_nats(worse[1])}")
    rival = CHAMPION if CHAMPION in bench.papers else BASE
    found = bench.against(rival, _LIKENESS)
    said = "is more like you than" if found.low > 0 else "is not measurably less like you than"
    return Check("likeness", True, f"{said} the {rival}: {_nats(found)}")


def _heeds_the_tone(bench: Bench) -> Check:
    """Is heard in the tone that was asked for no less than anybody it would replace."""
    asked = sum(bench.new.tone.weights)
    if asked < FEWEST:
        told = f"{asked:.0f} answers were asked for in a tone that the tagger knows"
        return Check("tone", True, f"tone does not count: {told}, and {FEWEST} are needed", counted=False)
    mine = f"the tagger hears the tone that was asked for with {bench.new.tone.figure:.0%}"
    if worse := bench.better(_TONE):
        theirs = f"with {bench.papers[worse[0]].tone.figure:.0%} in the {worse[0]}'s answers"
        return Check("tone", False, f"ignores the tone: {mine}, and {theirs} ({_points(worse[1])})")
    theirs = f"the {BASE}'s with {bench.papers[BASE].tone.figure:.0%}"
    return Check(
        "tone", True, f"heeds the tone not measurably less: {mine}, {theirs}, yours with {bench.own.tone.figure:.0%}"
    )


def _means_the_same(bench: Bench) -> Check:
    """Is about what was asked: often enough, or no less often than anybody it would replace."""
    figure = bench.new.meaning.figure
    said = f"its meaning tells what an answer is about in {figure:.0%} of comparisons"
    if figure >= FAITHFUL:
        return Check("meaning", True, f"says what was asked: {said}")
    if worse := bench.better(_MEANING):
        theirs = f"{bench.papers[worse[0]].meaning.figure:.0%} with the {worse[0]}"
        return Check("meaning", False, f"says something else: {said}, {theirs} ({_points(worse[1])})")
    return Check("meaning", True, f"says what was asked not measurably less: {said}")


def _keeps_the_facts(bench: Bench) -> Check:
    """Loses no kind of fact more often than anybody it would replace, and has answers that can be used.

    A small base loses facts under any prompt; what is asked of training is that it makes that no worse. `rewrite` uses
    no answer with a fault, so this is about usefulness: the author's text is safe either way.
    """
    for kind, kept in bench.new.facts.items():
        if sum(kept.weights) >= FEWEST and (worse := bench.better(_share_kept(kind))):
            theirs = f"the {worse[0]} {bench.papers[worse[0]].facts[kind].figure:.0%}"
            return Check("facts", False, f"loses {kind}: it keeps {kept.figure:.0%}, {theirs} ({_points(worse[1])})")
    share, usual = bench.new.kept.figure, bench.papers[BASE].kept.figure
    said = f"keeps to the facts in {share:.0%} of its answers (numbers, names, links, negations)"
    if share >= bench.gate.min_kept:
        return Check("facts", True, said)
    passed = share > 0 and bench.against(BASE, _KEPT).high >= 0
    said += f"; {bench.gate.min_kept:.0%} are asked, and the {BASE} reaches {usual:.0%}"
    return Check("facts", passed, said)


def _share_kept(kind: str) -> Pick:
    return lambda evidence: evidence.facts[kind]


def _does_not_recite(bench: Bench) -> Check:
    """Has no long run of words from the training text, neither on held-out requests nor on those it was taught with."""
    limit = max(bench.gate.max_overlap_words, bench.own.overlap + OVERLAP_MARGIN)
    longest = bench.new.overlap
    if longest > limit:
        said = f"recites training text: {longest} words in a row, “{bench.new.run}”"
        return Check("copying", False, f"{said} ({limit} allowed)")
    return Check("copying", True, f"does not recite training text: {longest} words in a row, {limit} allowed")


def _gives_nothing_away(bench: Bench) -> Check:
    """Knows the rare numbers of the training text no better than the base guesses them."""
    new, old = bench.new.exposure, bench.papers[BASE].exposure
    if len(new.values) < FEWEST:
        told = f"the training text has {len(new.values)} numbers that occur once, and {FEWEST} are needed"
        return Check("canary", True, f"no canary: {told}", counted=False)
    found = bench.draws.canaries.difference(new, old)
    said = f"{new.figure:.1f} of {MOST_BITS:.1f} bits, the {BASE} {old.figure:.1f} ({_interval(found)})"
    if found.low > 0 and found.value > LEAK:
        return Check("canary", False, f"gives rare numbers away: {said}")
    return Check("canary", True, f"gives no rare numbers away: {said}")


def _interval(found: Estimate) -> str:
    return f"{found.low:+.2f} to {found.high:+.2f} at 95 %"


def _nats(found: Estimate) -> str:
    return f"{found.value:+.2f} nats per word ({_interval(found)})"


def _points(found: Estimate) -> str:
    return f"{100 * found.low:+.0f} to {100 * found.high:+.0f} points at 95 %"


def _percents(found: Estimate) -> str:
    return f"{found.low:.0%} to {found.high:.0%} at 95 %"
