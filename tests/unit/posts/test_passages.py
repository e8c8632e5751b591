"""Passages: the author's own paragraphs, where they are, and the tones on them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.errors import BadInput
from tonewright.posts.passages import Passage, count_words, split_passages, text_of
from tonewright.posts.post import parse
from tonewright.tones.vocabulary import Vocabulary

TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))
A = "The kettle gave up on Tuesday, which is the day it usually picks."
B = "Nobody on the towpath believes in instructions, so the lock was left open."


def passages(body: str, front: str = "title: Tea", **limits: int) -> list[Passage]:
    """The passages of a post, after checking that each says what its span says."""
    post = parse(f"---\n{front}\n---\n{body}".encode(), "p.md")
    found = split_passages(post, TONES, **limits)
    for p in found:
        span = post.text[p.start : p.end]
        assert p.text == text_of(span, TONES)
        assert span == span.strip()
        assert p.line == post.text.count("\n", 0, p.start) + 1
    assert all(a.end <= b.start for a, b in pairwise(found))
    return found


def texts(body: str) -> list[str]:
    """What the passages of `body` say."""
    return [p.text for p in passages(body)]


OTHERS = {
    "fence": f"```python\n{A}\n\n{B}\n```",
    "fence in tildes with a fence in it": f"~~~~\n```\n{A}\n```\n~~~\n{B}\n~~~~",
    "indented code": f"    {A}\n\n    {B}",
    "tab-indented code": f"\t{A}",
    "quote": f"> {A}\n> {B}",
    "quote with a lazy line": f"> {A}\n{B}",
    "quote with a fence": f"> ```\n> {A}\n> ```\n> {B}",
    "heading": f"# {A}",
    "underlined heading": f"{A}\n{'=' * 20}",
    "underlined heading of two lines": f"{A}\n{B}\n---",
    "table": f"| {A} | {B} |\n|---|:-:|\n| {A} | {B} |",
    "table without outer bars": f"{A} | {B}\n--- | ---\n{A} | {B}",
    "kramdown table": f"| {A} | {B} |\n| {A} | {B} |",
    "bullets": f"- {A}\n- {B}\n\n  {A}\n\n* {B}\ncontinued lazily",
    "bullet with a fence": f"- {A}\n\n  ```\n{B}\n  ```\n\n  {B}",
    "numbers": f"1. {A}\n2. {B}",
    "definition": f"Kettle\n: {A}",
    "links": "[The kettle that gave up on a Tuesday again](https://example.org/k)\n[and another](https://example.org)",
    "image": "![A kettle, photographed on the Tuesday on which it gave up](kettle.jpg)",
    "linked image": "[![A kettle, photographed on the Tuesday it gave up](k.jpg)](https://example.org)",
    "addresses": "<https://example.org/a/b/c/d> https://example.org/e-f-g-h www.example.org/one-two-three",
    "link address": '[kettle]: https://example.org/k "The kettle gave up on Tuesday as it usually does"',
    "footnote": f"[^1]: {A}\n\n    {B}",
    "abbreviation": f"*[KTL]: {A}",
    "attributes": '{: .a-class-name title="The kettle gave up on Tuesday as it usually does"}',
    "kramdown comment": f"{{::comment}}\n{A}\n\n{B}\n{{:/comment}}",
    "toc": "* A list whose content is not important at all to anybody\n{:toc}",
    "comment": f"<!-- {A}\n\n{B} -->",
    "excerpt separator": "<!--more-->",
    "div": f'<div class="note">\n\n{A}\n\n<div>{B}</div>\n\n{B}\n</div>',
    "details": f"<details><summary>{A}</summary>\n\n{B}\n\n</details>",
    "paragraph element": f"<p>{A}</p>",
    "pre": f"<pre>\n{A}\n\n{B}\n</pre>",
    "script": f"<script>\nvar a = 1;\n\n// {A}\n</script>",
    "element alone on its line": f'<span class="x">\n{A}\n</span>',
    "liquid raw": f"{{% raw %}}\n{A}\n\n{B}\n{{% endraw %}}",
    "liquid highlight": f"{{% highlight ruby linenos %}}\n{A}\n\n{B}\n{{% endhighlight %}}",
    "nested liquid": f"{{% if a %}}\n{{% if b %}}\n{A}\n{{% endif %}}\n\n{B}\n{{% endif %}}",
    "liquid on one line": f"{{%- if a -%}} {A} {{%- endif -%}}",
    "include over several lines": "{% include a.html\n   src='k'\n   text='It gave up on Tuesday again' %}",
    "liquid output": "{{ site.data.kettles | where: 'day', 'Tuesday' | first | markdownify | strip }}",
    "zola shortcode": f'{{% quote(author="Pauline") %}}\n{A}\n{{% end %}}',
    "hugo shortcode": '{{< figure src="kettle.jpg" caption="The kettle gave up on Tuesday, as it does" >}}',
    "hugo pair": f'{{{{% notice tip %}}}}\n{A}\n\n{B}\n{{{{% /notice %}}}}',
    "math": "$$\n\\text{The kettle gave up on Tuesday, which is the day it picks}\n$$",
    "math on a line": "$$ a + b + c + d + e + f + g + h + i + j $$",
    "environment": "\\begin{align}\na &= b + c + d + e + f \\\\\n g &= h + i + j + k\n\\end{align}",
    "rule": "* * *",
    "short": "Tea, then.",
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_what_is_not_prose(other: str, end: str) -> None:
    """Between two paragraphs, none of these is a passage, and none swallows the paragraph after it."""
    assert texts(f"{A}\n\n{other}\n\n{B}\n".replace("\n", end)) == [A, B]


@pytest.mark.parametrize(
    "other",
    ["```\ncode\n```", "# Heading", "> quoted", "- item\n- item", "---\n", "{% include a.html %}",
     "<!--more-->", "$$\nx\n$$", "{{< figure src=x >}}", "{: .class}", "<div>\nx\n</div>"],
)  # fmt: skip
def test_blocks_that_need_no_blank_line(other: str) -> None:
    """A block directly below a paragraph ends it; a rule of dashes makes it a heading, as in Markdown."""
    assert texts(f"{A}\n{other}\n\n{B}") == ([B] if other.startswith("---") else [A, B])


@pytest.mark.parametrize(
    "prose",
    [
        "It is *really* the [kettle](https://example.org/a_(b)) that `gave up` on a Tuesday.",
        "#kettle is what they call it, every one of them, on Tuesdays.",
        "$$x$$ is the number of kettles that gave up on a Tuesday here.",
        "{{ site.title }} is where the kettles go when they give up.",
        "See [the kettle]({% post_url 2026-01-02-kettle %}) for what became of it on Tuesday.",
        "2026 was the year in which the kettle gave up on a Tuesday.",
        "<em>Nobody</em> on the towpath believes in instructions, so it was open.",
        "<https://example.org> has the kettle that gave up on a Tuesday.",
        "A | B is how the kettle was written on the label that Tuesday.",
        "Well -- the kettle gave up, it did, on a Tuesday, as kettles will.",
        "**1.** Nobody on the towpath believes in instructions, not one of them.",
        "\\[sic\\] is what Pauline writes under everything that the council sends.",
        "Ça alors, la bouilloire a rendu l’âme\u00a0! C’était un mardi, évidemment.",
    ],
)
def test_what_is_prose(prose: str) -> None:
    """Inline Markdown, templates and signs that only look like blocks stay in the passage as written."""
    assert texts(f"{prose}\n\n{A}") == [prose, A]


def test_line_ends_become_spaces() -> None:
    """A wrapped paragraph with hard breaks is one line of text, and its span keeps the breaks."""
    assert texts("The kettle gave up  \non Tuesday,\\\n  which is the day\r\nit usually picks.") == [A]


def test_limits() -> None:
    """Words are counted as read: addresses and tags are none, the text of a link is."""
    assert count_words("See [the old kettle](https://example.org/a-b-c), isn't it <b>fine</b>? ![no](x) {{ a }}") == 7
    assert len(passages("One two three four.", min_words=4)) == 1
    assert passages("One two three four.", min_words=5) == []


def test_long_paragraphs_are_cut_after_sentences() -> None:
    """The parts hold at most `max_words`, and no cut falls after an abbreviation, in a link or in code."""
    body = (
        "Mr. Pell rang at 4 p.m. on Tuesday. “Is it the kettle?” he asked. It was. I said so to J. Smith. "
        "[See the kettle. It broke.](https://example.org) And `a. B` is code. "
        "Été comme hiver, it rains. Done! "
    ) * 3
    found = passages(body, max_words=20)
    assert " ".join(p.text for p in found) == body.strip()
    assert all(count_words(p.text) <= 20 for p in found)
    begin = ("Mr.", "“Is", "It was", "I said", "[See", "And `a", "Été", "Done!")
    assert all(p.text.startswith(begin) for p in found)


def test_a_single_long_sentence_stays_whole() -> None:
    """There is no good place to cut a sentence, so it may be longer than the limit."""
    assert len(passages("tea and " * 200 + "toast.", max_words=50)) == 1


def test_front_matter_tones_reach_every_passage() -> None:
    """Without anything nearer, the header's tones hold for the whole of each passage."""
    found = passages(f"{A}\n\n{B}", "tone: [dry, snark]")
    assert [p.tones for p in found] == [("dry", "snark")] * 2
    assert found[0].tone_spans[0] == ("dry", found[0].start, found[0].end, "front matter")


def test_the_nearest_tone_counts() -> None:
    """A mark in a passage outdoes the attribute below it, which outdoes the header."""
    snark = '{: data-tone="snark"}'
    body = f"{A}\n\n{B}\n{snark}\n\n{A} <wistful>Poor kettle.</wistful>\n{snark}\n"
    assert [p.tones for p in passages(body, "tone: dry")] == [("dry",), ("snark",), ("wistful",)]


def test_marks_keep_their_place() -> None:
    """A mark on part of a passage says which part, and leaves no notation in the text."""
    body = f"{A} <wistful>Poor kettle.</wistful> *Poor me*{{: data-tone='playful'}}, too."
    (p,) = passages(body)
    text = f"---\ntitle: Tea\n---\n{body}"
    assert p.text == f"{A} Poor kettle. *Poor me*, too."
    assert [(s.tone, text[s.start : s.end], s.form) for s in p.tone_spans] == [
        ("wistful", "Poor kettle.", "tag"),
        ("playful", "*Poor me*", "span attribute"),
    ]


@pytest.mark.parametrize("lone", ["<dry>\n{}\n</dry>", "<dry>\n\n{}\n\n</dry>\n", "<dry>{}</dry>"])
def test_a_mark_around_paragraphs(lone: str) -> None:
    """Tags around several paragraphs, on their own lines or not, mark each of them and no other."""
    found = passages(f"{A}\n\n{lone.format(f'{B}{chr(10)}{chr(10)}{A}')}\n\n{B}")
    assert [(p.text, p.tones) for p in found] == [(A, ()), (B, ("dry",)), (A, ("dry",)), (B, ())]


def test_unknown_tone_in_the_header() -> None:
    """A tone that is none is refused with its line."""
    with pytest.raises(BadInput, match=r"^unknown tone 'snrk' at p\.md:3: did you mean snark\?"):
        passages(A, "title: x\ntones: [dry, snrk]")


@pytest.mark.parametrize(
    "piece", ["`", "``` ", "[", "![](", "<a ", "<!--", "*", "{% a %}\n", "|--", "<div>\n", "> ", "{:", "$$"]
)
def test_half_open_syntax_ends(piece: str) -> None:
    """Ten thousand characters that only ever open something are scanned well within a test's time limit."""
    assert all(p.text for p in passages(piece * (10_000 // len(piece))))


LINES = st.sampled_from(
    [A, B, "", "", "    code", "```", "> quote", "- item", "# Head", "<div>", "</div>", "---", "$$", "| a |",
     "\t", "{% if a %}", "{% endif %}", "[a]: b", "{: .c}", "<dry>", "</dry>", "*x*{: data-tone=dry}", "~~~"],
)  # fmt: skip


@given(st.lists(LINES, max_size=25), st.sampled_from(["\n", "\r\n"]))
def test_any_mixture_of_blocks(lines: list[str], end: str) -> None:
    """However blocks follow each other, spans map back, do not overlap, and hold no fence or quote."""
    try:
        found = passages(end.join(lines))
    except BadInput:
        return
    assert all("```" not in p.text and not p.text.startswith(">") for p in found)
