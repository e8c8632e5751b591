"""The tone dial: turned up it moves the tone, at 0 it is not there, and what was forgotten is in no vector."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.conftest import QUIET, REPOSITORY, Blog, Tell
from tests.integration.corpus_life import RULES
from tonewright import prompts
from tonewright.errors import BadInput
from tonewright.gate.intervals import Counted, Resamples
from tonewright.gguf.control_vector import read_control_vector, write_control_vector
from tonewright.models.base import find_base
from tonewright.models.copies import quick_copy
from tonewright.models.embedder import Embedder
from tonewright.models.gguf_header import read_header
from tonewright.models.llama import LocalModel
from tonewright.rewriting.dial import Dial
from tonewright.tones.exemplars import ended
from tonewright.tones.features import fit_features
from tonewright.tones.head import fit
from tonewright.tones.tagger import TextEmbedder

pytestmark = pytest.mark.model

TWO_TONES = '[tones]\nnames = ["wistful", "plain"]\n'  # the vectors of two tones take a few seconds
TOLD = ("snark", "dry", "sincere", "playful", "wistful")
TEXT = "The council replaced the bench by the lake. The new one has armrests, so that nobody can lie down on it.\n"


class Telling(NamedTuple):
    """A passage of somebody else's in a tone, and the plain telling of its subject."""

    subject: str
    plain: str
    tone: str
    text: str


def tellings() -> list[Telling]:
    """Twelve subjects in three other voices, none of which is in any vector."""
    lines = (REPOSITORY / "examples" / "tones.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    plain = {row["subject"]: row["text"] for row in rows if row["tone"] == "plain"}
    return [Telling(row["subject"], plain[row["subject"]], row["tone"], row["text"]) for row in rows]


def cost(model: LocalModel, told: Telling) -> float:
    """Nats per token of the telling as the rewriting of the plain one."""
    nll, tokens = model.score(prompts.rewrite(told.plain, None), told.text)
    return nll / tokens


@pytest.fixture
def tagged(blog: Blog) -> Blog:
    """A blog with a post in each of two tones, worked off."""
    blog.settings(RULES + TWO_TONES)
    for tone, word in (("wistful", "kettle"), ("plain", "ferry")):
        blog.post(
            word,
            f"The {word} by the lake used to sing before breakfast, and now nobody asks for it.",
            f"tone: {tone}\n",
        )
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    return blog


def test_a_vector_is_made_once_kept_and_forgotten(tagged: Blog) -> None:
    """The first `--dial` makes a file per tone, the second takes it; a new tag outdates them, `forget` deletes them."""
    file = tagged.write("draft.md", TEXT)
    asked = ("rewrite", "--model", "base", "--tone", "wistful", str(file))
    plain = tagged.tonewright(*asked)
    assert plain.code == 0
    assert tagged.tonewright(*asked, "--dial", "0").out == plain.out
    folder = tagged.workspace().state / "vectors"
    assert not folder.exists()
    assert tagged.tonewright(*asked, "--dial", "1").code == 0
    made = {vector.name: vector.stat().st_mtime_ns for vector in folder.iterdir()}
    assert set(made) == {"wistful.gguf", "plain.gguf"}
    assert tagged.tonewright(*asked, "--dial", "0.4").code == 0
    assert {vector.name: vector.stat().st_mtime_ns for vector in folder.iterdir()} == made
    base = find_base("smollm2-135m")
    assert set(Dial(tagged.workspace(), base).kept()) == {"wistful", "plain"}
    steered(base.gguf, read_control_vector(folder / "wistful.gguf"))

    tagged.post(
        "lamp", "The lamp at the pier is lit by hand again, which nobody has done for years.", "tone: wistful\n"
    )
    tagged.commit()
    assert tagged.tonewright("up", "--once").code == 0
    assert Dial(tagged.workspace(), base).kept() == {}, "made of what is not all there is any more"
    assert tagged.tonewright("corpus", "forget", "_posts/2026-01-02-kettle.md", "--yes").code == 0
    assert not folder.exists()


def steered(gguf: Path, vector: dict[int, np.ndarray]) -> None:
    """A vector moves likelihoods towards its tone, and a model that is turned back is what it was, to the last bit."""
    some = [told for told in tellings() if told.subject == "the scheduling app" and told.tone in ("wistful", "snark")]
    with LocalModel(gguf, n_ctx=512, threads=2) as model:
        ids = model.tokenize(TEXT)
        before, untouched = model.logits(ids), {told.tone: cost(model, told) for told in some}
        model.steer(vector)
        assert np.abs(model.logits(ids) - before).max() > 0.1
        moved = {told.tone: untouched[told.tone] - cost(model, told) for told in some}
        assert moved["wistful"] > moved["snark"]
        model.steer({})
        assert (model.logits(ids) == before).all()
        assert {told.tone: cost(model, told) for told in some} == untouched


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--dial", "0.5"), "add --tone"),
        (("--tone", "dry", "--dial", "2.1"), "from 0 to 2"),
        (("--tone", "dry", "--dial", "-1"), "from 0 to 2"),
        (("--tone", "gruff", "--dial", "1"), "a dial for gruff takes 5 passages, and 0 of yours"),
    ],
)
def test_what_cannot_be_turned_is_refused_in_a_sentence(blog: Blog, more: tuple[str, ...], said: str) -> None:
    """Without a tone, out of range, or with too few passages in that tone, nothing is loaded and nothing is written."""
    blog.settings(QUIET + '[tones]\nnames = ["dry", "gruff", "plain"]\n')
    file = blog.write("draft.md", TEXT)
    done = blog.tonewright("rewrite", str(file), "--model", "base", *more)
    assert done.code != 0
    assert said in done.err
    assert done.out == ""


def test_the_file_is_what_llama_cpp_reads(tmp_path: Path) -> None:
    """`direction.N` counts blocks from 0, in float32; what is no control vector is refused."""
    import gguf

    rows = {2: np.arange(4, dtype=np.float32), 7: np.ones(4, dtype=np.float32)}
    write_control_vector(tmp_path / "dry.gguf", rows, "llama", notes={"tone": "dry"})
    read = gguf.GGUFReader(tmp_path / "dry.gguf").tensors
    assert [(t.name, t.tensor_type.name, list(t.shape)) for t in read] == [
        ("direction.1", "F32", [4]),
        ("direction.6", "F32", [4]),
    ]
    header = read_header(tmp_path / "dry.gguf")
    assert (header["general.architecture"], header["tonewright.tone"]) == ("controlvector", "dry")
    back = read_control_vector(tmp_path / "dry.gguf")
    assert {layer: list(row) for layer, row in back.items()} == {layer: list(row) for layer, row in rows.items()}
    assert [p.name for p in tmp_path.iterdir()] == ["dry.gguf"]
    with pytest.raises(BadInput, match="no control vector"):
        read_control_vector(find_base("smollm2-135m").gguf)


@pytest.fixture
def example(blog: Blog) -> Iterator[Dial]:
    """The dial of the bare base for the example blog, with the tags that its author wrote."""
    blog.settings(f"{RULES}[thresholds]\nmin_new_examples = 100_000\nmax_age_days = 100_000\n")  # nothing is trained
    shutil.copytree(REPOSITORY / "examples" / "blog" / "_posts", blog.root / "_posts")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    yield Dial(blog.workspace(), find_base("smollm2-135m"))


class Listener:
    """A tagger that has learned from other voices only, and so from nothing that is in a vector."""

    def __init__(self, embedder: TextEmbedder) -> None:
        told = tellings()
        texts, self.tones = [t.text for t in told], (*TOLD, "plain")
        self._embedder = embedder
        vectors = self._vectors(texts)
        self._features = fit_features(vectors, texts)
        self._head = fit(self._features(vectors, texts), [t.tone for t in told], self.tones, 1.0)

    def hear(self, texts: Sequence[str], tone: str) -> list[float]:
        """The probability that each text has of `tone`."""
        rows = self._head.predict_proba(self._features(self._vectors(texts), texts))
        return [float(row[self.tones.index(tone)]) for row in rows]

    def _vectors(self, texts: Sequence[str]) -> np.ndarray:
        return self._embedder.embed([ended(text) for text in texts]).astype("float64")


@pytest.mark.proof
@pytest.mark.timeout(1500)
def test_turning_the_dial_moves_the_tone(example: Dial, tell: Tell) -> None:
    """At 0.5 and again at 1, held-out passages in the tone become likelier beside what other tones' dials make of them.

    And so does the tone that a tagger hears in what is written, in the mean.
    """
    pushes = {(tone, dial): example.push({tone: dial}) for tone in TOLD for dial in (0.5, 1.0)}
    gguf = quick_copy(example.base)
    with LocalModel(gguf, n_ctx=1024) as model:
        likelihoods(model, pushes, tell)
        with Embedder(gguf) as embedder:
            heard(model, Listener(embedder), pushes, tell)


Pushes = dict[tuple[str, float], dict[int, np.ndarray]]
SUBJECTS, PROMPTS, WORDS = 6, 4, 48  # of the tellings; for each tone; tokens of an answer


def likelihoods(model: LocalModel, pushes: Pushes, tell: Tell) -> None:
    """Per passage: what its own tone's dial makes of its likelihood, less what the other tones' dials do."""
    subjects = list(dict.fromkeys(told.subject for told in tellings()))[::2][:SUBJECTS]
    passages = [told for told in tellings() if told.subject in subjects and told.tone in TOLD]
    model.steer({})
    before = np.array([cost(model, told) for told in passages])
    resamples, own = (
        Resamples([told.subject for told in passages]),
        [[t == told.tone for t in TOLD] for told in passages],
    )
    rise = {0.0: np.zeros(len(passages))}
    for dial in (0.5, 1.0):
        gained = np.empty((len(passages), len(TOLD)))
        for column, tone in enumerate(TOLD):
            model.steer(pushes[tone, dial])
            gained[:, column] = before - [cost(model, told) for told in passages]
        mine = gained[np.array(own)]
        rise[dial] = mine - (gained.sum(axis=1) - mine) / (len(TOLD) - 1)
        found = resamples.estimate(Counted(list(rise[dial]), [1.0] * len(passages)))
        each = {tone: float(np.mean(rise[dial][np.array(own)[:, i]])) for i, tone in enumerate(TOLD)}
        told_each = ", ".join(f"{tone} {value:+.3f}" for tone, value in each.items())
        tell(
            f"dial {dial:g}: {len(passages)} held-out passages {found.value:+.3f} nats a token "
            f"({found.low:+.3f} to {found.high:+.3f}) beside the other dials; {told_each}; "
            f"by itself {mine.mean():+.3f}"
        )
        assert found.low > 0
        assert sum(value > 0 for value in each.values()) >= 4
    assert rise[1.0].mean() > rise[0.5].mean() > 0
    model.steer({})
    assert (before == [cost(model, told) for told in passages]).all(), "back at 0, it is the model that it was"


def heard(model: LocalModel, listener: Listener, pushes: Pushes, tell: Tell) -> None:
    """What goes on from plain tellings of subjects that the likelihoods did not see, in each tone, at each dial."""
    starts = list(dict.fromkeys(told.plain for told in tellings()))[1::2][:PROMPTS]
    chances: dict[float, list[float]] = {}
    for dial in (0.0, 0.5, 1.0):
        chances[dial] = []
        for tone in TOLD:
            model.steer(pushes[tone, dial] if dial else {})
            said = [model.generate(prompts.go_on(s, tone), max_tokens=WORDS, temperature=0.7, seed=1) for s in starts]
            chances[dial] += listener.hear(said, tone)
    resamples = Resamples(starts * len(TOLD))
    zero = Counted(chances[0.0], [1.0] * len(chances[0.0]))
    for dial in (0.5, 1.0):
        turned = Counted(chances[dial], zero.weights)
        more = resamples.difference(turned, zero)
        tell(
            f"dial {dial:g}: {len(zero.values)} texts, the tagger's chance of the tone {zero.figure:.3f} to "
            f"{turned.figure:.3f} ({more.low:+.3f} to {more.high:+.3f})"
        )
    assert np.mean(chances[1.0]) > np.mean(chances[0.0])
