"""How dear a model finds the author's own words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tonewright.gate.intervals import Counted
from tonewright.gate.language import words
from tonewright.gate.systems import Item, System
from tonewright.prompts import Messages

Way = Callable[[Messages], Messages]


def loss(system: System, items: Sequence[Item], way: Way = list) -> Counted:
    """Per item: what the author's answer costs in nats, and its words; `way` puts the request.

    The figure is nats per word, and its exponential the perplexity per word: unlike that per token, it compares models
    with different tokenizers.
    """
    return Counted(
        [system.score(way(item.request), item.answer).nll for item in items],
        [len(words(item.answer)) or 1 for item in items],
    )
