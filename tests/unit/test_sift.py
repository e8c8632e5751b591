"""What is left out of the rows: near duplicates, secrets, and too much of one kind."""

from __future__ import annotations

import random

from tonewright.config.schema import Rows
from tonewright.corpus.minhash import ALIKE, Seen, jaccard, sketch
from tonewright.corpus.rows import Row
from tonewright.corpus.sift import CONTINUATION, DUPLICATE, MANY, SECRET, sift


def text(seed: int, words: int = 40) -> str:
    """Random words, the same for the same seed."""
    rng = random.Random(seed)
    return " ".join(f"w{rng.randrange(5000)}" for _ in range(words))


def row(number: int, answer: str, kind: str = "rewrite", path: str = "a.md", asked: str = "") -> Row:
    """A row about nothing."""
    source = {"origin": "git", "path": path}
    return Row(f"{kind}{number}", kind, None, "", [], answer, asked or f"plain {number}", False, source)


def test_near_duplicates_are_found_as_exact_comparison_finds_them() -> None:
    """Among 300 texts and their edits, the bands find every pair that comparing all with all finds."""
    rng = random.Random(1)
    texts = []
    for seed in range(100):
        words = text(seed).split()
        for edits in (0, 1, 4):
            edited = list(words)
            for place in rng.sample(range(len(words)), edits):
                edited[place] = f"new{rng.randrange(10**6)}"
            texts.append(" ".join(edited))
    seen, kept, by_hand = Seen(), [], []
    for one in texts:
        if seen.add(one):
            kept.append(one)
        if all(jaccard(sketch(one).shingles, sketch(other).shingles) < ALIKE for other in by_hand):
            by_hand.append(one)
    assert kept == by_hand
    assert 100 <= len(kept) < 250


def test_case_and_punctuation_do_not_make_another_text() -> None:
    """The same words are the same text; short and wordless texts are compared as well."""
    seen = Seen()
    assert seen.add("The kettle gave up, on Tuesday!")
    assert not seen.add("the KETTLE gave up on “Tuesday”")
    assert seen.add("…")
    assert not seen.add("…")


def test_the_earliest_stays_and_kinds_are_apart() -> None:
    """A passage that stands in two posts is one row of each kind, the first one."""
    same = text(3)
    found = sift([row(1, same), row(2, same, path="b.md"), row(3, same, "revision")], Rows())
    assert [r.id for r in found.rows] == ["rewrite1", "revision3"]
    assert found.left_out == {DUPLICATE: 1}


def test_a_row_with_a_secret_is_left_out() -> None:
    """In the answer or in what is asked; it is counted, not shown."""
    secret = "The password is hunter2hunter2, and that is that for now."
    found = sift([row(1, secret), row(2, text(2), asked=secret), row(3, text(3))], Rows())
    assert [r.id for r in found.rows] == ["rewrite3"]
    assert found.left_out == {SECRET: 2}


def test_caps() -> None:
    """No document gives more than its share, continuations are a quarter of the rest, and the choice is stable."""
    rows = [row(n, text(n), path="long.md") for n in range(30)] + [row(n, text(n), path="b.md") for n in range(30, 40)]
    following = [row(n, text(100 + n), CONTINUATION, f"{n}.md") for n in range(20)]
    settings = Rows(per_source=10, continuations=0.25)
    found = sift([*rows, *following], settings)
    kinds = [r.kind for r in found.rows]
    assert (kinds.count("rewrite"), kinds.count(CONTINUATION)) == (20, 5)
    assert found.left_out == {MANY: 35}
    assert sift([*rows, *following], settings) == found
    more = sift([*rows, row(99, text(99), path="long.md"), *following], settings)
    assert len({r.id for r in found.rows} - {r.id for r in more.rows}) <= 1
