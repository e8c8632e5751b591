"""Generated paragraphs with facts in them, and versions of each that lost exactly one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

_NAMES = ("Ruth", "Pauline", "Leeds", "Hastings", "Odile", "Marrakesh", "Tuesday", "Bramwell")
_THINGS = ("kettle", "pump", "ferry", "lantern", "bicycle", "harbour", "gate", "ladder")
_DEEDS = ("started", "opened", "answered", "moved", "arrived", "changed")
_CODES = ("`state`", "`git log -1`", "``a `b` c``", "`0`")
_LINKS = ("https://example.org/pump", "/posts/first", "https://example.org/a_(b)", "img.html")
_MATHS = ("$x+1$", "$$E=mc^2$$")
_MARKUP = ("[^1]", "{{ site.name }}", "<kbd>q</kbd>", "{{< ref a >}}", "&nbsp;", ":wave:", "<https://example.org/z>")


class Mutant(NamedTuple):
    """A paragraph, a version of it, and what that version lacks."""

    source: str
    answer: str
    kind: str


def mutants(number: int, seed: int) -> Iterator[Mutant]:
    """For each of `number` paragraphs one mutant for every fact in it."""
    dice = random.Random(seed)
    for _ in range(number):
        name, thing, deed = dice.choice(_NAMES), dice.choice(_THINGS), dice.choice(_DEEDS)
        count, code, link = dice.randint(3, 4000), dice.choice(_CODES), dice.choice(_LINKS)
        maths, markup = dice.choice(_MATHS), dice.choice(_MARKUP)
        denial = dice.choice(("had not", "never", "hadn't"))
        source = (
            f"On the way home I told {name} that the {thing} {denial} {deed}, although {count} people use {code} every"
            f" day, and [the manual]({link}) says {maths} where it matters {markup} most."
        )
        asserted = "had" if denial != "never" else "soon"
        yield Mutant(source, source.replace(f"told {name} ", "told her "), "a name")
        yield Mutant(source, source.replace(f"{count} people", "some people"), "a number")
        yield Mutant(source, source.replace(f"{count} people", f"{count + 1} people"), "a changed number")
        yield Mutant(source, source.replace(f"{denial} {deed}", f"{asserted} {deed}"), "a negation")
        yield Mutant(source, source.replace(f"[the manual]({link})", "the manual"), "a link")
        yield Mutant(source, source.replace(f"]({link})", f"]({link}x)"), "a changed link")
        yield Mutant(source, source.replace(f"[the manual]({link})", f"[]({link}) the manual"), "a link's words")
        yield Mutant(source, source.replace(code, code.strip("`")), "inline code")
        yield Mutant(source, source.replace(code, code.replace("`", "'")), "inline code")
        yield Mutant(source, source.replace(maths, maths.strip("$")), "mathematics")
        yield Mutant(source, source.replace(f" {markup}", ""), "markup")
        yield Mutant(source, source.replace(markup, f"{markup}{markup}"), "doubled markup")
        yield Mutant(source, source.replace("most.", "most {% if x %}."), "an opened template")
        yield Mutant(source, source.replace("the way", "*the way"), "an opened emphasis")
