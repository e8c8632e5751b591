"""Words that were tagged are found again after every kind of edit, or not at all."""

from __future__ import annotations

import random

import pytest

from tonewright.tones.anchors import EDITED, EXACT, Anchor, Words, find

KETTLE = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea."
LOCK = "Nobody has mended the third lock since the spring, so the duchess waits there with her bicycle."
STOVE = "My stove burns what it is given, except for the manual, which it seems to have read."
POST = Words((KETTLE, LOCK, STOVE))


def after(passage: int, span: tuple[int, int] | None, *edited: str, public: bool = True) -> Anchor | None:
    """Where a tag on a passage of `POST` (or on words of it) is in a post of the passages `edited`."""
    return find(POST.quote("p.md", "dry", passage, span, public=public), Words(edited))


def test_the_same_words_wherever_they_went() -> None:
    """A passage and a phrase are found in place, after a move, and inside a paragraph that was joined to another."""
    assert after(1, None, KETTLE, LOCK, STOVE) == Anchor(1, 0, 17, EXACT, True)
    assert after(1, None, STOVE, KETTLE, LOCK) == Anchor(2, 0, 17, EXACT, True)
    assert after(1, (3, 7), STOVE, KETTLE, LOCK) == Anchor(2, 3, 7, EXACT, False)
    assert after(1, None, KETTLE, f"{STOVE} {LOCK}") == Anchor(1, 17, 34, EXACT, False)


def test_edited_words_keep_their_tag() -> None:
    """A changed word, a dropped comma and a word more are the same passage; a phrase ends where its words end."""
    edited = LOCK.replace("mended", "repaired").replace("spring, so", "spring so")
    found = after(1, None, KETTLE, edited, STOVE)
    assert found is not None
    assert (found.passage, found.how, found.whole) == (1, EDITED, True)
    found = after(1, (11, 16), KETTLE, LOCK.replace("duchess waits", "duchess always waits"), STOVE)
    assert found is not None
    words = LOCK.replace("duchess waits", "duchess always waits").split()[found.start : found.end]
    assert " ".join(words) == "duchess always waits there with her"


@pytest.mark.parametrize(
    "edited",
    [
        (KETTLE, STOVE),
        (KETTLE, "Somebody else was here, and what they had to say about it would not fill a line.", STOVE),
        (KETTLE, "The lock is new and the duchess cycles on.", STOVE),
        (),
    ],
)
def test_other_words_do_not_take_the_tag(edited: tuple[str, ...]) -> None:
    """A deleted or rewritten paragraph loses its tag, though its neighbours stay as they were."""
    assert after(1, None, *edited) is None
    assert after(1, (3, 6), *edited) is None


def test_a_replaced_phrase_loses_its_tag() -> None:
    """Two words between unchanged neighbours are not taken for the two that stood there."""
    assert after(1, (12, 14), KETTLE, LOCK.replace("waits there", "sings loudly"), STOVE) is None


def test_of_equal_words_the_company_decides() -> None:
    """A refrain that stands three times keeps its tag at the one that was meant, also when another is put before."""
    refrain = "And so it goes, as it always went."
    tag = Words((KETTLE, refrain, LOCK, refrain, STOVE)).quote("p.md", "dry", 3, None, public=True)
    found = find(tag, Words((refrain, KETTLE, refrain, LOCK, refrain, STOVE)))
    assert found is not None
    assert found.passage == 4


def test_words_that_may_not_be_written_down_are_known_by_their_hash() -> None:
    """A tag on a note holds no word of it, and still finds the very words; edited ones it cannot know."""
    tag = POST.quote("a.m4a", "dry", 1, (3, 7), public=False)
    assert not any((tag.quote, tag.before, tag.after))
    assert find(tag, Words((STOVE, LOCK))) == Anchor(1, 3, 7, EXACT, False)
    assert after(1, None, KETTLE, LOCK.replace("mended", "repaired"), public=False) is None


def test_random_edits_never_raise_and_stay_within_a_passage() -> None:
    """Whatever is done to a post, an anchor is words of one of its passages."""
    rng = random.Random(5)
    vocabulary = f"{KETTLE} {LOCK} {STOVE}".split()
    for _ in range(200):
        words = [rng.choice(vocabulary) for _ in range(rng.randint(0, 60))]
        cut = sorted(rng.randint(0, len(words)) for _ in range(2))
        post = Words(
            tuple(" ".join(part) for part in (words[: cut[0]], words[cut[0] : cut[1]], words[cut[1] :]) if part)
        )
        start = rng.randint(0, 10)
        found = find(
            POST.quote("p.md", "dry", rng.randint(0, 2), (start, start + rng.randint(1, 6)), public=True), post
        )
        if found is not None:
            assert 0 <= found.start < found.end <= len(post.passages[found.passage].split())
