"""`tonewright tag --compare`: several taggers on the passages that the author has tagged, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tonewright.cli import show
from tonewright.corpus.compare import LEAST, Compared, Comparison, Contender, Labels, Passage, compare, hand_tagged
from tonewright.errors import NothingToDo, UsageError
from tonewright.tones.tagger import Suggestion
from tonewright.workspace import Workspace

KNOWN = ("embedded", "local", "hosted")


def run(workspace: Workspace, args: argparse.Namespace) -> int:
    """Exit code 3 with fewer than `LEAST` tagged passages, 2 for a tagger that there is not."""
    from tasks import models

    names = tuple(dict.fromkeys(args.taggers.split(",")))
    if unknown := [name for name in names if name not in KNOWN]:
        raise UsageError(f"there is no tagger called {unknown[0]!r}", f"known: {', '.join(KNOWN)}")
    passages = hand_tagged(workspace.ledger)
    if len(passages) < LEAST:
        told = f"{len(passages)} passage{' has' if len(passages) == 1 else 's have'} a tone by your hand"
        raise NothingToDo(f"{told}, and a comparison takes {LEAST}", "`tonewright review` is the quickest way to more")
    try:
        contenders = {name: _hosted(workspace) if name == "hosted" else _local(workspace, name) for name in names}
        compared = compare(contenders, passages, lambda tagger, n, of: show.progress(f"{tagger}: {n} of {of} passages"))
    finally:
        models.close()
    show.progress(f"{len(passages)} passages read by {', '.join(names)}", last=True)
    (_print_json if args.json else _print)(compared)
    return 0


def _local(workspace: Workspace, name: str) -> Contender:
    """A tagger of this machine, taught anew for each fold."""
    from tasks import models
    from tonewright.tones.tagger import Tagger
    from tonewright.tones.taggers import make_tagger

    taught: dict[tuple[tuple[str, str], ...], Tagger] = {}

    def ask(labels: Labels, passages: Sequence[Passage]) -> list[Suggestion | None]:
        if tuple(labels) not in taught:
            taught.clear()
            taught[tuple(labels)] = make_tagger(name, models.means(workspace, labels))
        return [*taught[tuple(labels)].suggest([p.text for p in passages])]

    return Contender(ask, pace=lambda sample: models.pace(workspace, name, sample))


def _hosted(workspace: Workspace) -> Contender:
    """The hosted model. The gate, the caps and the outbox are those of any other request."""
    from tonewright.hosted.candidates import TAGGER, decide_document
    from tonewright.hosted.endpoint import endpoint_for
    from tonewright.hosted.gate import ALLOW
    from tonewright.hosted.outbox import price_of_a_tag
    from tonewright.hosted.tagging import HostedTagger

    def ask(_: Labels, passages: Sequence[Passage]) -> list[Suggestion | None]:
        decisions = [decide_document(workspace, p.document, [p.text], TAGGER) for p in passages]
        texts = [p.text for p, d in zip(passages, decisions) if d.verdict == ALLOW]
        answers = iter(HostedTagger(workspace, endpoint_for(workspace)).suggest(texts) if texts else ())
        return [next(answers) if d.verdict == ALLOW else None for d in decisions]

    return Contender(ask, learns=False, cost=lambda: price_of_a_tag(workspace))


def _print(compared: Comparison) -> None:
    print(f"{compared.passages} passages with a tone by your hand; nobody was asked about what it was taught")
    head = ("tagger", "right", "right when sure", "not sure", "kappa with you", "cost", "passages/s")
    show.table([head, *(_row(one) for one in compared.taggers)])
    for one, other, both in compared.between:
        print(f"{one} and {other} say the same of {both.share:.0%}, kappa {_kappa(both.kappa)}")
    if compared.furthest:
        print(f"{compared.furthest} disagrees with you most")


def _row(one: Compared) -> tuple[str, ...]:
    if one.agreement is None:
        return (one.tagger, one.why_not)
    return (
        one.tagger,
        f"{one.agreement.share:.0%}",
        "-" if one.right_when_sure is None else f"{one.right_when_sure:.0%}",
        f"{one.abstained} of {one.asked}",
        _kappa(one.agreement.kappa),
        f"{one.cost:.4f}" if one.cost else "0",
        f"{one.passages_per_second:.1f}",
    )


def _kappa(kappa: float | None) -> str:
    return "none (only one tone)" if kappa is None else f"{kappa:.2f}"


def _print_json(compared: Comparison) -> None:
    show.as_json(
        {
            "passages": compared.passages,
            "taggers": [
                {
                    "tagger": one.tagger,
                    "why_not": one.why_not,
                    "asked": one.asked,
                    "abstained": one.abstained,
                    "with_you": None if one.agreement is None else one.agreement._asdict(),
                    "right_when_sure": one.right_when_sure,
                    "cost": one.cost,
                    "passages_per_second": round(one.passages_per_second, 2),
                }
                for one in compared.taggers
            ],
            "between": [{"taggers": [one, other], **both._asdict()} for one, other, both in compared.between],
            "furthest": compared.furthest,
        }
    )
