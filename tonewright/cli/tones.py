"""`tonewright tones`: which tones the corpus has, month by month, and how far each tagger agrees with the hand."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from tonewright.cli import show
from tonewright.corpus.tones import Month, Tagged, months, taggers
from tonewright.errors import NothingToDo
from tonewright.workspace import open_workspace

BAR = 8  # characters of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 3 while the corpus has no passages."""
    workspace = open_workspace()
    found = months(workspace.ledger, workspace.config.tagger.threshold)
    heard = taggers(workspace.ledger)
    if args.json:
        show.as_json({"months": [_month(m) for m in found], "taggers": [_tagger(t) for t in heard]})
        return 0
    if not found:
        raise NothingToDo("the corpus has no passages yet", "`tonewright status` shows what is on its way")
    known = workspace.vocabulary.names
    _chart("by hand", found, lambda m: m.hand, known)
    _chart("by machine", found, lambda m: m.machine, known)
    for tagged in heard:
        print(_sentence(tagged))
    return 0


def _chart(title: str, found: Sequence[Month], counts: Callable[[Month], dict[str, int]], known: Sequence[str]) -> None:
    """A row per month, a column per tone that occurs: a bar and the number."""
    met = {tone for month in found for tone in counts(month)}
    tones = [*(t for t in known if t in met), *sorted(met - set(known))]
    if not tones:
        print(f"{title}: none yet")
        return
    most = max(max(counts(month).values(), default=0) for month in found)
    print(f"{title}:")
    rows = [
        (month.name, *(_bar(counts(month).get(t, 0), most) for t in tones), f"of {month.passages}") for month in found
    ]
    show.table([("", *tones, "passages"), *rows])


def _bar(number: int, most: int) -> str:
    """`number` as a bar in eighths of a character, and in digits; nothing for 0."""
    if number == 0:
        return "·"
    eighths = max(1, round(number * BAR * 8 / most))
    return f"{'█' * (eighths // 8)}{_EIGHTHS[eighths % 8].strip()} {number}"


def _sentence(tagged: Tagged) -> str:
    begin = f"{tagged.tagger}: {tagged.passages} passage{'s' * (tagged.passages != 1)}"
    with_hand = tagged.agreement
    if with_hand is None:
        return f"{begin}, none of them decided by hand since"
    kappa = "no kappa (only one tone)" if with_hand.kappa is None else f"kappa {with_hand.kappa:.2f}"
    return f"{begin}; you have agreed on {with_hand.share:.0%} of the {with_hand.passages} decided since, {kappa}"


def _month(month: Month) -> dict[str, object]:
    return {"month": month.name, "passages": month.passages, "hand": month.hand, "machine": month.machine}


def _tagger(tagged: Tagged) -> dict[str, object]:
    both = tagged.agreement
    return {
        "tagger": tagged.tagger,
        "passages": tagged.passages,
        "with_hand": None if both is None else both._asdict(),
    }
