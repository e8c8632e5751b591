"""Generated Markdown that is as awkward as authors make it, and of which it is known what is prose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hypothesis import strategies as st

WORDS = """
    kettle harbour morning window because slowly nobody under letter garden seven quiet rather lantern bicycle never
    cannot pump rope ferry bread between ladder winter answer yellow café naïve שלום مرحبا 🦊 🚲 e\u0301clair
    """.split()  # noqa: SIM905  (words are easier to read without sixty pairs of quotes)
# Inside a paragraph: each has letters in both cases, so that a shouting voice would be seen to have touched it.
INLINE = (
    "`Code x`", "``a ` B``", "[{w} {w}](https://Example.org/pQ_(r))", '[{w}](/Path "A title")', "![Alt t](Img.png)",
    "[^Note1]", "<https://Example.org/aB>", "$aB + c$", "{{{{ Site.x }}}}", '{{{{< Ref "x" >}}}}', "<kbd>Ctrl</kbd>",
    "&Eacute;", ":Smile_x:", "https://Example.org/zZ", "[{w} {w}][Ref]", "{{% Link x %}}", "<!-- Note it -->", "\\*",
    '*{w}*{{: .Loud}}', "**{w} {w}**", "_{w}_", "<span class='Xy'>", "~~{w}~~", "mailto:Ann@example.org",
)  # fmt: skip
BLOCKS = (
    "# A Heading of eight Words that is no paragraph", "A Heading with a line\n=====", "***", "<!--more-->",
    "```Python\nprint('The pump stood there for nine Long days')\n```", "~~~\nTwo\n\nParas\n~~~",
    "    Indented code of some Eight words that stays as it is", "\tTabbed Code of some eight words that stays as is",
    "> Quoted Words of somebody else, which are nobody's to change\n> > And nested\n>\n> - With a List",
    "- An item of a List with enough words to be taken for prose\n\n  And its second Paragraph, with as many words.\n",
    "1. One Item\n   - nested Item with enough words to be taken for prose\n\n         Code in it\n2. Two",
    "| A Table | with |\n|---|:-:|\n| of a Cell | `x` |", "Term\n: Its Definition in so many words that it counts",
    "<div class='Box'>\nInner Words of a box that are not looked at here\n\nMore Words of it.\n</div>",
    "{% if Site.x %}\nInner Words of a Template that are not looked at here\n\nMore.\n{% endif %}",
    "{% raw %}\n{{ Not }} {% this %}\n{% endraw %}", '{{< Figure src="A.png" >}}', "{: .Class #Id}",
    "$$\n\\Sum_{i} x_i\n$$", "\\begin{align}\nA &= B\n\\end{align}", "[Ref]: https://Example.org 'Title'",
    "[^Note1]: The Text of a footnote, which has enough words to be prose.\n    And its Second line.",
    "*[HTML]: Hyper Text", "{::comment}\nHidden Words of a comment in kramdown, enough of them.\n{:/comment}",
    "<script>\nlet Aa = 'The pump stood there for nine days'\n</script>", "Too Short",
    "[Only](a.html) [Links](b.html) [In](c.html) [A](d.html) [Row](e.html) [Of](f.html) [Some](g.html) [H](h.html)",
    "Roses Are red at the foot of the cliff,  \nand this Poem keeps its line ends\\\nas they are.",
)  # fmt: skip
UNCLOSED = (
    "```\nNever Closed\n\nAnd on it Goes, for more than eight words of what is no prose.",
    "{% highlight X %}\n    Never Closed", "<pre>\nNever\nClosed", "<!-- Never Closed",
    "{::comment}\n    Never Closed", "$$\n    X_1",
)  # fmt: skip
HEADERS = (
    "", "", "---\ntitle: 'A: title'\ntone: [dry]\n# A Comment\nlist:\n  - One\n---\n",
    '+++\ntitle = "A Title"\ndraft = true\n[extra]\nx = 1\n+++\n', "---\n---\n", "---\r\ntitle: Ünï\r\n...\r\n",
)  # fmt: skip


@dataclass(frozen=True)
class Nasty:
    """A file, the pieces of it that must survive, in order, and the inline ones among them."""

    text: str
    locked: tuple[str, ...]
    inline: tuple[str, ...]
    paragraphs: int


_word = st.sampled_from(WORDS)


@st.composite
def _paragraph(draw: st.DrawFn) -> tuple[str, list[str]]:
    """(a paragraph of at least eight words, what is locked in it)."""
    parts = draw(st.lists(_word, min_size=9, max_size=30))
    locked = []
    for piece in draw(st.lists(st.sampled_from(INLINE), max_size=3)):
        filled = piece.format(w="{w}")
        while "{w}" in filled:
            filled = filled.replace("{w}", draw(_word), 1)
        parts.insert(draw(st.integers(1, len(parts))), filled)
        locked.append(filled)
    text = parts[0]
    for part in parts[1:]:
        text += draw(st.sampled_from((" ", " ", " ", " ", "\n", "  ", "\t", " \n\t"))) + part
    return f"{text}.", locked


@st.composite
def nasty(draw: st.DrawFn) -> Nasty:
    """A whole file."""
    header = draw(st.sampled_from(HEADERS))
    text, locked, inline, paragraphs = header, [header], [], 0
    for _ in range(draw(st.integers(0, 7))):
        if draw(st.booleans()):
            block, own = draw(_paragraph())
            inline += own
            paragraphs += 1
        else:
            block = draw(st.sampled_from(BLOCKS))
            locked.append(block)
        text += block + draw(st.sampled_from(("\n\n", "\n\n", "\n\n\n", "\n \n")))
    if draw(st.integers(0, 4)) == 0:
        locked.append(draw(st.sampled_from(UNCLOSED)))
        text += locked[-1]
    elif draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.integers(0, 3)) == 0:
        text, locked = _crlf(text), [_crlf(piece) for piece in locked]
    if draw(st.integers(0, 9)) == 0:
        text = "\ufeff" + text
    return Nasty(text, tuple(piece.rstrip("\r\n") for piece in locked), tuple(inline), paragraphs)


junk = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from((*BLOCKS, *UNCLOSED, *(i.format(w="word") for i in INLINE), "\n", "\n\n", "\r\n", "> ", "- ")),
        st.sampled_from(WORDS),
    ),
    max_size=25,
).map(" ".join)


def _crlf(text: str) -> str:
    return re.sub(r"\r?\n", "\r\n", text)
