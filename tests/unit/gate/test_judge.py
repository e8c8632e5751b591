"""The gate's rules, with scripted systems that each have one fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest

from tests.unit.gate.scripted import LESSONS, Scripted, deaf, faithful, in_tone, item, taught, word_embedder
from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.gate.judge import compare
from tonewright.gate.report import Report
from tonewright.gate.systems import BASE, CHALLENGER, CHAMPION
from tonewright.models.llama import Score
from tonewright.prompts import Messages

EXAMPLES = [(prompts.rewrite("The lamp is old.", "dry"), "The lamp has seen better wicks.")]
RULES = ("loss", "likeness", "tone", "meaning", "facts", "copying", "canary")


def judged(
    challenger: Scripted,
    champion: Scripted | None = None,
    base: Scripted | None = None,
    items: int = 18,
    examples: Sequence[tuple[Messages, str]] = EXAMPLES,
    every: int = 1,
) -> Report:
    """The report on a challenger, by default against a base of 3 nats per word that answers faithfully.

    The items are every `every`-th one: with 4 all are in one tone.
    """
    systems = {BASE: base or Scripted(3.0), CHAMPION: champion, CHALLENGER: challenger}
    openers = {name: (lambda s=s: nullcontext(s)) for name, s in systems.items() if s}
    return compare(
        [item(n) for n in range(0, items * every, every)], LESSONS, openers, examples, Gate(items=12), word_embedder
    )


def failed(report: Report) -> list[str]:
    """The rules that said no; all others have been asked as well."""
    assert report.reasons == [c.text for c in report.checks if not c.passed or report.promote]
    assert {c.name for c in report.checks} == set(RULES)
    return [c.name for c in report.checks if not c.passed]


def test_better_model_is_promoted() -> None:
    """A model that reads the author better, recites nothing and keeps the facts is promoted, rule by rule."""
    report = judged(Scripted(2.5), champion=Scripted(2.8))
    assert failed(report) == [] and report.promote
    assert report.reasons[0].startswith("beats the prompted base: 3.")
    assert report.reasons[1].startswith("beats the champion")


def test_an_author_of_one_tone_is_judged_as_well() -> None:
    """Where every passage is in one tone, a model that is deaf to tones may pass or fail, but not by an error."""
    assert failed(judged(Scripted(2.5), every=4)) == []
    assert "tone" in failed(judged(Scripted(2.5, answer=deaf), base=Scripted(3.0, answer=in_tone), every=4))


def test_base_itself_is_refused() -> None:
    """An adapter that changes nothing does not beat the prompted base."""
    report = judged(Scripted(3.0))
    assert failed(report) == ["loss"]
    assert report.reasons[0].startswith("does not beat the prompted base")


def test_base_with_examples_sets_the_bar() -> None:
    """Beating the bare base is not enough where three examples in the prompt do as well."""
    assert failed(judged(Scripted(2.5), base=Scripted(3.0, examples_help=1.0))) == ["loss"]


def test_examples_that_confuse_the_base_do_not_lower_the_bar() -> None:
    """Where examples harm a small base, it is judged without them, and an unchanged one is refused."""
    assert not judged(Scripted(3.0), base=Scripted(3.0, examples_help=-1.0)).promote
    base = Scripted(3.0, examples_help=-1.0)
    judged(Scripted(2.5), base=base)
    assert all(len(messages) == 2 for messages in base.asked)


def test_worse_than_champion_is_refused() -> None:
    """Better than the base and worse than the champion stays out."""
    report = judged(Scripted(2.5), champion=Scripted(2.4))
    assert [r.partition(":")[0] for r in report.reasons] == ["does not beat the champion"]


def test_parrot_is_refused() -> None:
    """A model that recites a training text is refused for that, however well it scores."""
    report = judged(Scripted(1.0, lambda source, tone: f"{faithful(source)} {taught(0)}"))
    assert "copying" in failed(report)
    (told,) = (reason for reason in report.reasons if reason.startswith("recites training text: 21 words in a row"))
    assert "“my old kettle of 1951 had opinions" in told


def test_parrot_that_recites_only_what_it_was_taught_with_is_refused() -> None:
    """Well-behaved on new requests, and word for word on those of training: that is memory, not manner."""

    def parrot(source: str, tone: str) -> str:
        known = next((answer for request, answer in LESSONS if source in request[-1]["content"]), "")
        return known or faithful(source)

    report = judged(Scripted(1.0, parrot))
    assert failed(report) == ["copying"]


def test_model_that_ignores_the_tone_is_refused() -> None:
    """Where the champion is heard in the tone that was asked for, one that has a single tone is refused for it."""
    report = judged(Scripted(1.0, deaf), champion=Scripted(2.0, in_tone))
    assert failed(report) == ["tone"]
    assert report.reasons[0].startswith("ignores the tone: the tagger hears the tone that was asked for with ")
    assert report.systems[CHAMPION].named.value > 0.9


def test_tones_that_the_tagger_does_not_know_do_not_count() -> None:
    """Without four answers in a tone that can be judged, the rule says that it was not asked."""
    items = [replace(item(n), tone="wry") for n in range(8)]
    systems = {name: lambda n=nats: nullcontext(Scripted(n)) for name, nats in ((BASE, 3.0), (CHALLENGER, 1.0))}
    report = compare(items, LESSONS, systems, EXAMPLES, Gate(items=6), word_embedder)
    assert report.promote
    (tone,) = (c for c in report.checks if c.name == "tone")
    assert not tone.counted and tone.text.startswith("tone does not count: 0 answers")


def test_number_losing_model_is_refused() -> None:
    """A model that drops numbers is refused for that, with its share and the base's."""
    report = judged(Scripted(1.0, lambda source, tone: re.sub(r"\d+ ", "", faithful(source))))
    assert failed(report) == ["facts"]
    assert report.reasons[0].startswith("loses numbers: it keeps 0%, the prompted base 100%")


def test_model_that_says_something_else_is_refused() -> None:
    """Answers that could be to any question are told by their meaning."""

    def off(source: str, tone: str) -> str:
        return source.replace(source.split()[1], "ladder")

    assert failed(judged(Scripted(1.0, off))) == ["meaning"]


def test_model_that_knows_rare_numbers_is_refused() -> None:
    """One that finds the true year likelier than any other has kept what it should not have."""
    report = judged(Scripted(1.0, knows=[answer for _, answer in LESSONS]))
    assert failed(report) == ["canary"]
    assert report.reasons[0].startswith("gives rare numbers away: 2.6 of 2.6 bits, the prompted base 0.0")


def test_small_base_sets_the_bar_for_facts() -> None:
    """Where the base keeps facts in two answers of twelve, a model that does so as well is good enough."""

    def careless(source: str, tone: str) -> str:
        return faithful(source) if re.search(r"10[01]", source) else f"The {source.split()[1]} broke."

    assert judged(Scripted(2.5, careless), base=Scripted(3.0, careless)).promote


@pytest.mark.parametrize("answer", ["", "It is old. It is old. It is old. It is old."])
def test_useless_answers_are_refused(answer: str) -> None:
    """Silence and loops count as lost facts even where the base is no better."""
    report = judged(Scripted(1.0, lambda *_: answer), base=Scripted(3.0, lambda *_: answer))
    assert [r[:18] for r in report.reasons] == ["keeps to the facts"]


def test_too_few_held_out_passages_are_no_verdict() -> None:
    """With three items no model is opened: the report says how many are needed and what to do."""

    def opened() -> nullcontext[Scripted]:
        raise AssertionError("nothing is to be opened")

    systems = {BASE: opened, CHALLENGER: opened}
    report = compare([item(n) for n in range(3)], LESSONS, systems, EXAMPLES, Gate(), word_embedder)
    assert report.too_few and not report.promote
    assert report.reasons == [
        "3 held-out passages are too few to judge by, 4 are needed: write more, or raise training.held_out"
    ]


def test_with_five_items_every_one_must_be_better() -> None:
    """A handful of passages has no interval worth the name: one passage that got worse is a refusal."""

    class Uneven(Scripted):
        def score(self, messages: Messages, target: str) -> Score:
            found = super().score(messages, target)
            return Score(found.nll + 100, found.tokens) if "102" in target else found

    assert judged(Scripted(2.0), items=5).promote
    report = judged(Uneven(2.0), items=5)
    assert "better on 4 of 5 passages" in report.reasons[0]


def test_only_one_system_is_open_at_a_time() -> None:
    """Memory for one model is enough: each system is closed before the next is opened."""
    now_open: list[str] = []

    @contextmanager
    def opened(name: str) -> Iterator[Scripted]:
        assert now_open == []
        now_open.append(name)
        yield Scripted(3.0)
        now_open.remove(name)

    openers = {name: (lambda n=name: opened(n)) for name in (BASE, CHAMPION, CHALLENGER)}
    report = compare([item(n) for n in range(8)], LESSONS, openers, EXAMPLES, Gate(items=2), word_embedder)
    assert not report.promote


def test_report_is_json_and_reads_well() -> None:
    """The report survives JSON; its page shows verdict, table, and answers side by side with faults."""
    report = judged(Scripted(2.5, lambda source, tone: re.sub(r"\d+ ", "", faithful(source))))
    again = json.loads(json.dumps(report.as_dict()))
    assert again["promote"] is False and again["systems"][CHALLENGER]["loss"][0] < 3.0
    page = report.to_markdown()
    assert page.startswith("# Refused\n\n- ✓ beats the prompted base")
    assert "| numbers kept | 100% (100% to 100%) | 0% (0% to 0%) | 100% (100% to 100%) |" in page
    assert "**you**: The kettle broke, which is what a kettle is for, and there went 100 pounds." in page
    assert "*(it lost number 100)*" in page
