"""The embedded tagger with the real small model: better than chance, silent on noise, better still with labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("numpy")
pytest.importorskip("llama_cpp")

from tonewright.models.base import find_base
from tonewright.models.copies import quick_copy
from tonewright.models.embedder import VERSION, Embedder
from tonewright.models.vectors import KeptEmbedder
from tonewright.posts.passages import split_passages
from tonewright.posts.post import parse
from tonewright.tones.embedded import EmbeddedTagger
from tonewright.tones.exemplars import ended, shipped_exemplars, shipped_vectors
from tonewright.tones.vocabulary import Vocabulary

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

BLOG = Path(__file__).parents[2] / "examples" / "blog" / "_posts"
TONES = Vocabulary(("snark", "dry", "sincere", "playful", "wistful", "plain"))

# Four subjects that no exemplar is about, told in six tones each, so that the subject gives nothing away.
PASSAGES = {
    "snark": (
        "The self-checkout accused me of theft twice before I had touched anything, then offered me a loyalty "
        "card. Nothing kindles loyalty in me like being searched by a machine over a courgette.",
        "Apparently one coat is enough, it says so on the tin, in the same cheerful letters they must use for "
        "lottery tickets. I am now on coat four. The wall remains, let us say, open to interpretation.",
        "The museum has replaced its labels with an immersive experience, meaning a dark room that shouts at "
        "you. Finally, history for people who found reading too quiet. The gift shop, I notice, is still very "
        "well lit.",
        "I have lost another umbrella, my fifth, so it is clear that somewhere a very dry thief is building a "
        "collection. Do let me know when the exhibition opens. I shall come as I am: drenched, and paying for "
        "parking.",
    ),
    "dry": (
        "The self-checkout asked me to wait for assistance. I waited. An assistant came, looked at the "
        "screen, and also waited. Eventually the screen was satisfied, and the two of us went on with our "
        "lives.",
        "We painted the bedroom white. The shade is called Morning Linen, and the one it replaced was called "
        "Evening Chalk. I am assured that they are different. It took two days.",
        "The museum of local history is closed on days when the local historian is ill. He was well on "
        "Thursday. There are eleven exhibits, nine of them ploughs, and he is frank about the other two.",
        "I lost one glove in November. In January I lost the other, so the matter has resolved itself. I "
        "mention it only because the gloves have now been apart longer than they were together.",
    ),
    "sincere": (
        "The cashier at our supermarket noticed that I was counting coins and quietly paid for the milk "
        "herself. I have not forgotten it in ten years. I hope life has been as good to her as she was to me.",
        "We painted the nursery today, after everything that happened last year, and I had to stop twice "
        "because I was so full of hope. Whoever you turn out to be, little one, you are already loved.",
        "Standing before that small painting I felt understood, honestly, in a way I have rarely felt among "
        "people. I stayed until they rang the bell. If you are going through a dark time, please go and see "
        "it.",
        "Someone had picked up my daughter's mitten and set it carefully on the railing where she would see "
        "it. It is such a little thing. It told me that people look out for each other, and I truly needed to "
        "know that.",
    ),
    "playful": (
        "Attention shoppers: I have attempted the legendary four-bag carry! Onions overboard at the crossing, "
        "one heroic yoghurt saved by a passing vicar, and the baguette, my sword, only slightly bent in "
        "battle.",
        "I have painted the hallway, the skirting, both elbows and a portion of the cat, who wears it well! "
        "We are calling the colour Accidental Tangerine. Handprints are available at the front desk for a "
        "modest fee in toffees.",
        "Field notes from the dinosaur hall: the big one smiles if you tilt your head, the little one "
        "definitely winked, and I have been shushed by a guard for roaring. Worth it! Raar, I say, and raar "
        "again!",
        "Wanted: one left sock, stripy, last seen entering the tumble dryer with a suspicious duvet cover. It "
        "answers to Gerald! There is a reward of three whole buttons and a dance, no questions asked.",
    ),
    "wistful": (
        "The corner shop had a bell on a spring and a jar of liquorice that my aunt would lift down for us. I "
        "look for that bell in other doorways. The jar stands on my desk now and holds nothing but pens.",
        "Under the third layer of wallpaper we came upon the blue that was there when I was small, with the "
        "moon my mother stencilled over the bed. I left one corner of it showing. Some evenings I still look "
        "for the rest of the sky.",
        "My father brought me to this museum on wet Sundays and always lingered at the model ships. The ships "
        "are in storage these days. I stood where the case had been, and for a moment could almost feel his "
        "hand in mine.",
        "In a coat I had not worn for years I found a ticket stub and one of her hairpins. The cinema is a "
        "car park now. I put both of them back in the pocket, and hung the coat where I would come across it "
        "again.",
    ),
    "plain": (
        "The supermarket opens at seven and closes at ten. Bread is delivered at half past six and again at "
        "noon. The pharmacy counter is on the left behind the tills and closes an hour earlier.",
        "The room needs about five litres of paint for two coats. Fill the holes first and let the filler dry "
        "for a day. Start with the ceiling, then paint the walls from the window towards the door.",
        "The museum has three floors. The permanent collection is on the first and second, and special "
        "exhibitions are on the ground floor. Admission is free on the first Sunday of the month, and tours "
        "start at eleven.",
        "Lost property is kept at the reception desk for three months. Describe the item and say on which day "
        "you lost it. Keys and telephones are handed over to the town hall after a week.",
    ),
}

NOISE = (
    "qwpo zxmn lkjh vbty ruei asdk fghj zxcv mnbv poiu ytre wqas dfgh jklz xcvb nmqw erty uiop",
    "the the of and to a in is it you that he was for on are with as I his they be at one have this",
    "dog purple seven running because table window never cloud of spoon yesterday beneath quickly lamp orange",
    "aaaaaaaa aaaaa aaaaaaa aaaaaa aaaa aaaaaaaaa aaaaaaa aaaaa",
    "0x4f3a 19 28 37 46 55 64 73 82 91 aa bb cc dd ee ff 10 20 30 40 50 60",
    "def f(x): return [y for y in x if y % 2 == 0] # filter even; print(f(range(10)))",
)


@pytest.fixture(scope="module")
def embedder(cache: Path) -> Iterator[KeptEmbedder]:
    """The small base model as an embedder, with the memory that workers use in this session."""
    base = find_base("smollm2-135m")
    with Embedder(quick_copy(base)) as model:
        known = shipped_vectors(base.sha256, VERSION)
        kept = KeptEmbedder(model, cache / "vectors" / f"{base.sha256[:16]}-{VERSION}.db", known)
        yield kept
        kept.close()


def right(tagger: EmbeddedTagger, labelled: list[tuple[str, str]]) -> int:
    """How many of (text, tone) the tagger would get right if it had to answer."""
    found = tagger.suggest([text for text, _ in labelled])
    return sum(max(s.scores, key=s.scores.__getitem__) == tone for s, (_, tone) in zip(found, labelled))


def test_the_shipped_vectors_are_those_of_the_exemplars(embedder: KeptEmbedder) -> None:
    """What spares a fresh cache the work is what the work would give; another model gets none of it."""
    base = find_base("smollm2-135m")
    known = shipped_vectors(base.sha256, VERSION)
    texts = [ended(e.text) for e in shipped_exemplars()]
    assert sorted(known) == sorted(texts)
    with Embedder(quick_copy(base)) as fresh:
        rows = fresh.embed(texts[::29])
    assert all(float(row @ known[text]) > 0.999 for row, text in zip(rows, texts[::29]))
    assert shipped_vectors("0" * 64, VERSION) == {}


def test_without_labels_it_beats_chance(embedder: KeptEmbedder) -> None:
    """Of 24 passages on new subjects, the shipped exemplars alone get three times as many right as guessing would."""
    labelled = [(text, tone) for tone, texts in PASSAGES.items() for text in texts]
    assert len(labelled) == 24
    assert right(EmbeddedTagger(embedder, [], TONES), labelled) >= 14


def test_what_it_suggests_it_can_explain(embedder: KeptEmbedder) -> None:
    """Most of what it is sure of is right, and each suggestion quotes a labelled passage of its tone."""
    tagger = EmbeddedTagger(embedder, [], TONES, threshold=0.6)
    sure = [(s, tone) for tone, texts in PASSAGES.items() for s in tagger.suggest(texts) if s.tone]
    assert len(sure) >= 12
    assert sum(s.tone == tone for s, tone in sure) >= 0.7 * len(sure)
    assert all(s.evidence.startswith("closest to: “") and str(s.tone) in s.evidence for s, _ in sure)


def test_neutral_text_has_no_marked_tone(embedder: KeptEmbedder) -> None:
    """Of plain passages, at least three in four are called plain or nothing."""
    found = EmbeddedTagger(embedder, [], TONES).suggest(PASSAGES["plain"])
    assert sum(s.tone in (None, "plain") for s in found) >= 3


def test_it_is_silent_on_noise(embedder: KeptEmbedder) -> None:
    """Letters, lists of words, numbers and code are unlike any labelled passage, so at most one gets a tone."""
    found = EmbeddedTagger(embedder, [], TONES).suggest(NOISE)
    assert sum(s.tone is not None for s in found) <= 1


@pytest.mark.proof
def test_hand_labels_raise_accuracy(embedder: KeptEmbedder) -> None:
    """On a blog in a voice unlike the exemplars', learning from every other hand label helps with the rest."""
    posts = [parse(file.read_bytes(), file.name) for file in sorted(BLOG.glob("*.md"))]
    hand = [(p.text, p.tones[0]) for post in posts for p in split_passages(post, TONES) if p.tones]
    before = after = 0
    for labels, rest in ((hand[::2], hand[1::2]), (hand[1::2], hand[::2])):
        before += right(EmbeddedTagger(embedder, [], TONES), rest)
        after += right(EmbeddedTagger(embedder, labels, TONES), rest)
    assert after > before
