"""The element names of HTML, so that no tone is mistaken for one, nor one for a tone."""

from __future__ import annotations

# Their content is shown or run as it stands, or is not shown: nothing in it is the author's prose.
VERBATIM = frozenset(["pre", "script", "style", "svg", "textarea", "template"])

# They hold other blocks, so what stands between their tags belongs to them, blank lines included.
CONTAINERS = frozenset(
    """
    address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer
    form frameset header iframe legend main menu nav noframes noscript ol optgroup section summary table
    tbody tfoot thead tr ul audio canvas object picture video
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
)

# Blocks that a blank line ends.
LEAVES = frozenset(
    """
    base basefont body caption col colgroup dd dt frame h1 h2 h3 h4 h5 h6 head hr html li link option p
    param search source td th title track
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
)

_INLINE = frozenset(
    """
    a abbr acronym applet area b bdi bdo big br button cite code data datalist del dfn em embed font
    hgroup i img input ins kbd label map mark marquee math meta meter nobr output progress q rp rt ruby s
    samp select slot small span strike strong sub sup time tt u var wbr
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
)

ELEMENTS = VERBATIM | CONTAINERS | LEAVES | _INLINE
