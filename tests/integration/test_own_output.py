"""What the model wrote and the author committed: kept out as it is, a pair after a light edit, hers after more."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUIET, REPOSITORY, Blog, Tell
from tonewright.corpus.drafts import CONTINUED, REWRITTEN, Draft, give_out
from tonewright.corpus.rows import CORRECTION, collect, collect_with_reasons
from tonewright.corpus.verify import verify

SOURCE = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
DRAFT = "On Tuesday, as is its custom, the kettle gave up the ghost, and tea now comes to me out of a saucepan."
LIGHT = "On Tuesday, as is its custom, the kettle gave up the ghost, and my tea now comes out of a saucepan."
HEAVY = "Tuesday took the kettle, as Tuesdays here will; I boil the water for tea in whatever saucepan is clean."
OTHER = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."


def taken(blog: Blog, text: str, draft: Draft | None = None) -> tuple[list[str], list[tuple[str, str, str]]]:
    """(passages, corrections as asked, rejected, chosen) of the corpus once `text` is committed after `draft`."""
    blog.settings(QUIET)
    workspace = blog.workspace()
    give_out(workspace.ledger, [draft or Draft(DRAFT, SOURCE, REWRITTEN, "dry", "_posts/2026-01-02-kettle.md")])
    blog.post("kettle", f"{text}\n\n{OTHER}")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    passages = [
        found
        for (found,) in workspace.ledger.read(
            """SELECT t.text FROM passages p JOIN documents d ON d.id = p.document AND d.live
               JOIN texts t ON t.hash = p.text_hash ORDER BY p.id"""
        )
    ]
    rows = collect_with_reasons(workspace.ledger, workspace.config).rows
    assert verify(workspace).faults == []
    return passages, [(r.source_text, r.rejected, r.answer) for r in rows if r.kind == CORRECTION]


@pytest.mark.parametrize(
    ("committed", "passages", "pairs"),
    [
        (DRAFT, [OTHER], []),
        (DRAFT.replace(",", " ,").replace("Tuesday", "*Tuesday*"), [OTHER], None),
        (LIGHT, [OTHER], [(SOURCE, DRAFT, LIGHT)]),
        (HEAVY, [HEAVY, OTHER], []),
        (SOURCE, [SOURCE, OTHER], []),
    ],
    ids=["unedited", "only its punctuation", "lightly", "heavily", "thrown away"],
)
def test_committed_drafts(
    blog: Blog, committed: str, passages: list[str], pairs: list[tuple[str, str, str]] | None
) -> None:
    """Unedited: kept out; lightly edited: a pair and no example; heavily edited or thrown away: the author's."""
    found, corrections = taken(blog, committed)
    assert found == passages
    assert pairs is None or corrections == pairs


def test_a_correction_is_exported_and_not_trained_on(blog: Blog) -> None:
    """As a preference the author's wording is chosen and ours rejected; the trainer sees neither."""
    taken(blog, LIGHT)
    done = blog.tonewright("corpus", "export", "--format", "preference")
    (pair,) = map(json.loads, done.out.splitlines())
    assert pair["chosen"] == [{"role": "assistant", "content": LIGHT}]
    assert pair["rejected"] == [{"role": "assistant", "content": DRAFT}]
    assert pair["prompt"][-1]["content"] == f"Rewrite this in my voice, in a dry tone:\n\n{SOURCE}"
    workspace = blog.workspace()
    assert collect(workspace.ledger, workspace.config) == []
    note = "1 passage, 0 tagged by hand; 1 left out: the model's words, not the author's (1 of them corrected"
    assert note in blog.tonewright("log", "kettle.md").out


def test_a_continuation_is_a_draft_as_well(blog: Blog) -> None:
    """What `continue` wrote is asked for as it was asked for then."""
    _, (pair,) = taken(blog, LIGHT, Draft(DRAFT, OTHER, CONTINUED))
    assert pair == (OTHER, DRAFT, LIGHT)


@pytest.mark.parametrize("what", ["_posts/2026-01-02-kettle.md", "HEAD"])
def test_drafts_are_forgotten_with_their_post(blog: Blog, what: str) -> None:
    """No word of the post, of the draft or of its source is left in the state folder."""
    taken(blog, LIGHT)
    commit = blog.git("rev-parse", "HEAD").strip()
    done = blog.tonewright("corpus", "forget", commit if what == "HEAD" else what, "--yes")
    assert done.code == 0, done.err
    state = blog.workspace().state
    held = b"".join(file.read_bytes() for file in state.rglob("*") if file.is_file())
    gone = (LIGHT, OTHER) if what == "HEAD" else (LIGHT, OTHER, DRAFT, SOURCE)
    assert [text for text in gone if text.encode() in held] == []
    assert verify(blog.workspace()).faults == []


def test_a_draft_for_a_forgotten_file_leaves_the_way_back_too(blog: Blog) -> None:
    """A post that was rewritten in place and then forgotten is not kept under `undo` either."""
    blog.settings(QUIET)
    post = blog.post("kettle", f"{SOURCE}\n\n{OTHER}")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    slow = [sys.executable, str(REPOSITORY / "tests/integration/slow_voice.py"), str(post), "--in-place"]
    assert interrupted(slow, blog.root)[0] == 130
    state = blog.workspace().state
    assert SOURCE.encode() in b"".join(p.read_bytes() for p in (state / "undo").iterdir())
    assert blog.tonewright("corpus", "forget", "_posts/2026-01-02-kettle.md", "--yes").code == 0
    assert list((state / "undo").iterdir()) == []


def interrupted(command: list[str], cwd: Path) -> tuple[int, bytes]:
    """Send ^C to a rewriting once its second paragraph has begun; returns exit code and output."""
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == b"second\n"
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=30)
    return child.returncode, out


@pytest.mark.parametrize("way", ["stdout", "--in-place", "--diff", "--json"])
def test_an_interrupt_keeps_what_is_done(blog: Blog, way: str) -> None:
    """^C in the second paragraph: the first is rewritten, all else is the original, exit code 130; undo undoes it."""
    blog.settings(QUIET)
    post = blog.write("_posts/2026-01-02-kettle.md", f"---\r\n---\n{SOURCE}\n\n{OTHER}\n\n    code")
    before = post.read_bytes()
    command = [sys.executable, str(REPOSITORY / "tests/integration/slow_voice.py"), str(post)]
    code, out = interrupted([*command, *([way] if way != "stdout" else [])], blog.root)
    assert code == 130
    after = before.replace(SOURCE.encode(), SOURCE.upper().encode())
    if way == "--in-place":
        assert post.read_bytes() == after
        assert blog.tonewright("rewrite", "--undo", str(post)).code == 0
    elif way == "--json":
        told = json.loads(out)
        assert (told["text"].encode(), told["interrupted"]) == (after, True)
    elif way == "--diff":
        patched = subprocess.run(["git", "apply", "--unsafe-paths"], cwd="/", input=out, capture_output=True)
        assert patched.returncode == 0, patched.stderr
        assert post.read_bytes() == after
        post.write_bytes(before)
    else:
        assert out == after
    assert post.read_bytes() == before


def test_what_goes_to_the_model_can_be_foreseen(blog: Blog) -> None:
    """`--dry-run` names each paragraph by its line and needs no model; options that make no sense are refused."""
    blog.settings(QUIET)
    post = blog.post(
        "kettle", f"{SOURCE}\n\n> quoted\n\nIt waited, <snark>as one does</snark>, and hummed like a fridge."
    )
    done = blog.tonewright("rewrite", "--dry-run", str(post))
    assert done.out.splitlines() == [
        f"{post}:5: goes to the model: 20 words",
        f"{post}:9: stays: a tone is marked inside of it",
    ]
    assert blog.tonewright("rewrite", "--undo", str(post)).code == 3
    assert "needs a file" in blog.tonewright("rewrite", "--undo", "-").err
    assert "add --for front-matter" in blog.tonewright("summarise", "--in-place", str(post)).err


def test_style_is_told(blog: Blog) -> None:
    """`tonewright style` counts what is in the corpus, and has nothing to say without one."""
    blog.settings(QUIET)
    assert blog.tonewright("style").code == 3
    for number in range(5):
        blog.post(f"kettle-{number}", "\n\n".join([f"Perhaps {number}: {SOURCE}", OTHER, HEAVY]))
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    told = blog.tonewright("style").out
    assert "15 passages" in told
    assert "perhaps 5" in told
    assert json.loads(blog.tonewright("style", "--json").out)["hedges"] == {"perhaps": 5}


def edited(text: str, share: float, dice: random.Random) -> str:
    """`text` with this share of its words replaced by others."""
    said = text.split()
    for place in dice.sample(range(len(said)), round(share * len(said))):
        said[place] = f"{dice.choice('bcdfglmnprst')}{dice.choice('aeiou')}{dice.choice('bdgklmnprt')}{place}"
    return " ".join(said)


def sentence(dice: random.Random) -> str:
    """Forty words that nobody has put in this order before."""
    words = [f"{dice.choice('bcdfglmnprst')}{dice.choice('aeiou')}{dice.choice('bdgklmnprt')}" for _ in range(40)]
    return " ".join(words).capitalize() + "."


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_every_draft_finds_its_place(blog: Blog, tell: Tell) -> None:
    """Three hundred drafts, a third committed as they are, a third lightly and a third heavily edited."""
    blog.settings(QUIET)
    workspace, dice = blog.workspace(), random.Random(5)
    shares = {"unedited": 0.0, "light": 0.1, "heavy": 0.6}
    wanted: dict[str, set[str]] = {name: set() for name in shares}
    for number in range(100):
        committed = []
        for name, share in shares.items():
            draft = sentence(dice)
            give_out(workspace.ledger, [Draft(draft, sentence(dice), REWRITTEN)])
            committed.append(edited(draft, share, dice))
            wanted[name].add(committed[-1])
        blog.post(f"post-{number}", "\n\n".join(committed))
    blog.commit()
    assert blog.tonewright("up", "--once", timeout=500).code == 0
    passages = {t for (t,) in workspace.ledger.read("SELECT t.text FROM passages JOIN texts t ON t.hash = text_hash")}
    pairs = {r.answer for r in collect_with_reasons(workspace.ledger, workspace.config).rows if r.kind == CORRECTION}
    tell(
        f"{len(wanted['unedited'])} drafts committed unedited, {len(wanted['unedited'] & passages)} "
        f"taken as the author's; {len(wanted['light'])} lightly edited, {len(wanted['light'] & pairs)} pairs; "
        f"{len(wanted['heavy'])} heavily edited, {len(wanted['heavy'] & passages)} the author's"
    )
    assert (passages, pairs) == (wanted["heavy"], wanted["light"])
