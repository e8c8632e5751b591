"""The gate's rules, with scripted systems that each have one fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import pytest

from tonewright import prompts
from tonewright.config.schema import Gate
from tonewright.gate.judge import BASE, CHALLENGER, CHAMPION, Item, Report, bootstrap, compare
from tonewright.models.llama import Score
from tonewright.prompts import Messages

THINGS = (
    "kettle",
    "lamp",
    "rope",
    "gull",
    "wheel",
    "bell",
    "gate",
    "tin",
    "brake",
    "roof",
    "meter",
    "stove",
    "ladder",
)
TRAIN = [
    f"My old {t} had opinions about the weather and shared them with anybody who came to sit by it." for t in THINGS
]
EXAMPLES = [(prompts.rewrite("The lamp is old.", "dry"), "The lamp has seen better wicks.")]


def item(number: int) -> Item:
    """A held-out passage with a number in it."""
    thing = THINGS[number % len(THINGS)]
    plain = f"The {thing} broke. It cost {100 + number} pounds to mend the {thing}."
    own = f"The {thing} broke, which is what a {thing} is for, and there went {100 + number} pounds."
    return Item(f"item-{number}", "rewrite", "dry", prompts.rewrite(plain, "dry"), own, plain)


def faithful(source: str) -> str:
    """Says the same in other words."""
    return source.replace("broke.", "gave up.").replace("It cost", "It took")


@dataclass
class Scripted:
    """A system that finds every answer equally hard, less so with examples, and answers by a rule."""

    nats_per_word: float
    answer: Callable[[str], str] = faithful
    examples_help: float = 0.0
    asked: list[Messages] = field(default_factory=list)

    def score(self, messages: Messages, target: str) -> Score:
        """The same cost for each word, a little more for longer answers so that items differ."""
        words = len(target.split())
        helped = self.examples_help if len(messages) > 2 else 0.0
        return Score(words * (self.nats_per_word - helped) + 0.01 * len(target), words)

    def generate(self, messages: Messages, *, max_tokens: int) -> str:
        """What the rule makes of the text in the request."""
        self.asked.append(messages)
        return self.answer(messages[-1]["content"].partition("\n\n")[2])


def judged(
    challenger: Scripted,
    champion: Scripted | None = None,
    base: Scripted | None = None,
    items: int = 12,
    examples: Sequence[tuple[Messages, str]] = EXAMPLES,
) -> Report:
    """The report on a challenger, by default against a base of 3 nats per word that answers faithfully."""
    systems = {BASE: base or Scripted(3.0), CHAMPION: champion, CHALLENGER: challenger}
    openers = {name: (lambda s=s: nullcontext(s)) for name, s in systems.items() if s}
    return compare([item(n) for n in range(items)], TRAIN, openers, examples, Gate(items=6))


def test_better_model_is_promoted() -> None:
    """A model that reads the author better, recites nothing and keeps the facts is promoted."""
    report = judged(Scripted(2.5), champion=Scripted(2.8))
    assert report.promote
    assert len(report.reasons) == 4
    assert report.reasons[0].startswith("beats the prompted base: 3.0")
    assert any(r.startswith("beats the champion") for r in report.reasons)


def test_base_itself_is_refused() -> None:
    """An adapter that changes nothing does not beat the prompted base."""
    report = judged(Scripted(3.0))
    assert not report.promote
    assert [r.partition(":")[0] for r in report.reasons] == ["does not beat the prompted base"]


def test_base_with_examples_sets_the_bar() -> None:
    """Beating the bare base is not enough where three examples in the prompt do as well."""
    report = judged(Scripted(2.5), base=Scripted(3.0, examples_help=1.0))
    assert [r.partition(":")[0] for r in report.reasons] == ["does not beat the prompted base"]


def test_examples_that_confuse_the_base_do_not_lower_the_bar() -> None:
    """Where examples harm a small base, it is judged without them, and an unchanged one is refused."""
    report = judged(Scripted(3.0), base=Scripted(3.0, examples_help=-1.0))
    assert not report.promote
    base = Scripted(3.0, examples_help=-1.0)
    judged(Scripted(2.5), base=base)
    assert all(len(messages) == 2 for messages in base.asked)


def test_worse_than_champion_is_refused() -> None:
    """Better than the base and worse than the champion stays out."""
    report = judged(Scripted(2.5), champion=Scripted(2.4))
    assert [r.partition(":")[0] for r in report.reasons] == ["does not beat the champion"]


def test_parrot_is_refused() -> None:
    """A model that recites a training text is refused for that, however well it scores."""
    report = judged(Scripted(1.0, lambda source: f"{source} {TRAIN[0]}"))
    assert len(report.reasons) == 1
    assert report.reasons[0].startswith("recites training text: 19 words in a row, “my old kettle had opinions")


def test_number_losing_model_is_refused() -> None:
    """A model that drops numbers is refused for that, with its share and the base's."""
    report = judged(Scripted(1.0, lambda source: re.sub(r"\d+ ", "", faithful(source))))
    assert len(report.reasons) == 1
    assert report.reasons[0].startswith("keeps to the facts in 0% of its answers")
    assert "prompted base reaches 100%" in report.reasons[0]


def test_small_base_sets_the_bar_for_facts() -> None:
    """Where the base keeps facts in two answers of six, a model that does so as well is good enough."""

    def careless(source: str) -> str:
        return faithful(source) if re.search(r"10[01]", source) else "It broke."

    assert judged(Scripted(2.5, careless), base=Scripted(3.0, careless)).promote


@pytest.mark.parametrize("answer", ["", "It is old. It is old. It is old. It is old."])
def test_useless_answers_are_refused(answer: str) -> None:
    """Silence and loops count as lost facts even where the base is no better."""
    report = judged(Scripted(1.0, lambda _: answer), base=Scripted(3.0, lambda _: answer))
    assert [r[:18] for r in report.reasons] == ["keeps to the facts"]


def test_too_few_held_out_passages_are_no_verdict() -> None:
    """With three items no model is opened: the report says how many are needed and what to do."""

    def opened() -> nullcontext[Scripted]:
        raise AssertionError("nothing is to be opened")

    report = compare([item(n) for n in range(3)], TRAIN, {BASE: opened, CHALLENGER: opened}, EXAMPLES, Gate())
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
    assert not compare([item(n) for n in range(8)], TRAIN, openers, EXAMPLES, Gate(items=2)).promote


def test_report_is_json_and_reads_well() -> None:
    """The report survives JSON; its page shows verdict, table, and answers side by side with faults."""
    report = judged(Scripted(2.5, lambda source: re.sub(r"\d+ ", "", faithful(source))))
    again = json.loads(json.dumps(report.as_dict()))
    assert again["promote"] is False and again["systems"][CHALLENGER]["loss"] < 3.0
    page = report.to_markdown()
    assert page.startswith("# Refused\n\n- ✓ beats the prompted base")
    assert "| challenger | 2." in page
    assert "**you**: The kettle broke, which is what a kettle is for, and there went 100 pounds." in page
    assert "*(it lost number 100)*" in page


def test_bootstrap_interval_holds_the_mean_and_shrinks_to_nothing_without_spread() -> None:
    """The interval contains the weighted mean; where every item says the same, it is a point."""
    low, high = bootstrap([-1.0, -2.0, 0.5, -1.5, -0.5, -1.0], [1, 2, 1, 1, 1, 1])
    assert low < -5.5 / 7 < high
    assert bootstrap([-1.0] * 6, [2.0] * 6) == (-0.5, -0.5)
