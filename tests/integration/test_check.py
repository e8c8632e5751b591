"""`tonewright-check` and `tonewright-ring`, started as pre-commit starts them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tonewright.corpus.fingerprints import OURS, remember, share_written

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
OTHER = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."
HOOK = "import sys; from hooks.{module} import main; sys.exit(main())"
TOKEN = "hf_" + "q7Rv2LxM9tKd4WsZ8bNc"


def run(module: str, blog: Blog, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """One of the hooks, as pre-commit starts it: in the repository's root, with file names."""
    names = [str(w.relative_to(blog.root)) if isinstance(w, Path) else w for w in words]
    return subprocess.run(
        [sys.executable, "-c", HOOK.format(module=module), *names],
        cwd=blog.root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_fault_is_named_with_file_and_line(blog: Blog) -> None:
    """Good posts and other files pass; a bad one is told all of its faults at once, in the order of its lines."""
    good = blog.post("good", WORDS, front="tone: dry\n")
    bad = blog.post(
        "bad",
        f"<snark>{WORDS}\n\nA </dry> word.\n\nThe key is {TOKEN}.\n\n<snrk>x</snrk>\n\n*y*{{: data-tone='wry'}}",
        front="tones: [dry, snrk]\n",
    )
    assert run("check", blog, good, blog.write("notes.txt", "<snark>")).returncode == 0
    done = run("check", blog, good, bad)
    assert done.returncode == 1
    name = "_posts/2026-01-02-bad.md"
    told = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in told] == [f"{name}:{n}" for n in (3, 6, 8, 10, 12, 14)]
    assert told[0] == (
        f"{name}:3: unknown tone 'snrk': did you mean snark? (known: snark, dry, sincere, playful, wistful, plain)"
    )
    assert told[1] == f"{name}:6: <snark> is never closed: write </snark> where the tone ends"
    assert "Hugging Face token (hf_q…" in told[3] and TOKEN not in done.stdout


def test_a_header_that_cannot_be_read_hides_no_other_fault(blog: Blog) -> None:
    """The broken marks below it are told as well."""
    broken = blog.write("_posts/2026-01-03-broken.md", f"---\ntitle: [oops\n---\n\n<snark>{WORDS}\n")
    told = run("check", blog, broken).stdout.splitlines()
    assert len(told) == 2
    assert "bad YAML" in told[0]
    assert told[1].startswith("_posts/2026-01-03-broken.md:5: <snark> is never closed")


def test_any_name_and_any_terminal(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not UTF-8 and a terminal that knows only ASCII are told as well as can be."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    odd = blog.write(os.fsdecode(b"_posts/2026-01-02-caf\xe9.md"), f"{WORDS} <snark>Ça</snark>\n")
    done = run("check", blog, odd)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("_posts/2026-01-02-caf\\udce9.md:1: <snark> goes into the published page")


def test_raw_tags_are_refused_in_published_posts_only(blog: Blog) -> None:
    """A draft, a private and an unpublished post may hold them; one that is dated tomorrow will be published."""
    marked = f"<snark>{WORDS}</snark>"
    fine = [
        blog.post("a", marked, folder="_drafts"),
        blog.post("b", marked, front="published: false\n"),
        blog.post("c", marked, front="private: true\n"),
    ]
    assert run("check", blog, *fine).returncode == 0
    for wrong in (blog.post("d", marked), blog.post("e", marked, date="2999-01-01")):
        done = run("check", blog, wrong)
        assert done.returncode == 1
        assert ':5: <snark> goes into the published page as it stands: write {: data-tone="snark"}' in done.stdout


def test_fix_rewrites_once_with_the_mode_kept(blog: Blog) -> None:
    """Exit code 1 and a changed file the first time, 0 and no change the second."""
    post = blog.post("kettle", f"<snark>{WORDS}</snark>\n\nSo <dry>it goes</dry> with kettles.")
    post.chmod(0o640)
    done = run("check", blog, "--fix", post)
    assert (done.returncode, done.stdout) == (1, "_posts/2026-01-02-kettle.md: rewrote 2 tags for kramdown\n")
    assert post.read_text().endswith(
        f'{WORDS}\n{{: data-tone="snark"}}\n\nSo <span>it goes</span>{{: data-tone="dry"}} with kettles.\n'
    )
    assert stat.S_IMODE(post.stat().st_mode) == 0o640
    assert [p.name for p in post.parent.iterdir()] == [post.name]
    before = post.stat()
    assert run("check", blog, "--fix", post).returncode == 0
    assert post.stat() == before


def test_fix_leaves_what_would_not_render(blog: Blog) -> None:
    """Hugo and Zola read no kramdown: they are told so, and their files stay as they are."""
    toml = blog.write("_posts/x.md", f'+++\ntitle = "x"\n+++\n\n<snark>{WORDS}</snark>\n')
    hugo = blog.write("content/posts/x.md", f"---\ntitle: x\n---\n\n<snark>{WORDS}</snark>\n")
    for post in (toml, hugo):
        before = post.read_bytes()
        done = run("check", blog, "--fix", post)
        assert done.returncode == 1
        assert "Hugo and Zola render no form of it" in done.stdout
        assert post.read_bytes() == before


def test_the_vocabulary_is_the_blogs_own(blog: Blog) -> None:
    """A tone that the blog's settings name is known to the hook."""
    blog.settings('[tones]\nnames = ["gruff", "plain"]\n')
    assert run("check", blog, blog.post("good", WORDS, front="tone: gruff\n")).returncode == 0
    blog.settings("[tones\n")
    assert run("check", blog, blog.post("good", WORDS)).returncode == 78


def test_the_check_makes_no_state(blog: Blog) -> None:
    """With and without settings, no folder appears where the ledger would be."""
    post = blog.post("good", WORDS)
    assert run("check", blog, post).returncode == 0
    blog.settings()
    assert run("check", blog, post).returncode == 0
    assert not Path(os.environ["TONEWRIGHT_STATE"]).exists()


def test_the_models_words_need_a_note(blog: Blog) -> None:
    """A passage that our model wrote is refused in a published post, unless the front matter says so."""
    blog.settings()
    workspace = blog.workspace()
    remember(workspace.ledger, WORDS)
    wrong = blog.post("ours", f"{OTHER}\n\n{WORDS}")
    done = run("check", blog, wrong)
    assert done.returncode == 1
    assert ":7: 100% of this passage is what your model wrote: put it into your own words" in done.stdout
    noted = blog.post("noted", WORDS, front="written_with: tonewright\n")
    draft = blog.post("draft", WORDS, folder="_drafts")
    assert run("check", blog, noted, draft).returncode == 0


def corpus(blog: Blog) -> list[str]:
    """The texts of the live corpus."""
    workspace = blog.workspace()
    rows = workspace.ledger.read(
        """SELECT t.text FROM passages p JOIN documents d ON d.id = p.document AND d.live
           JOIN texts t ON t.hash = p.text_hash ORDER BY p.id"""
    )
    return [text for (text,) in rows]


def test_the_models_words_never_become_the_authors(blog: Blog) -> None:
    """Committed with or without a note they stay out of the corpus; the author's, and a thorough revision, go in."""
    blog.settings(QUIET)
    workspace = blog.workspace()
    remember(workspace.ledger, WORDS)
    revised = "The kettle died on a Tuesday, its usual day; since then I have had my tea from a pan."
    assert share_written(workspace.ledger, revised) < 0.5 < OURS
    blog.post("ours", f"{WORDS}\n\n{OTHER}", front=f"written_with: tonewright\nsummary: {WORDS!r}\n")
    blog.post("revised", revised, date="2026-01-03")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    assert corpus(blog) == [OTHER, revised]
    notes = [note for (note,) in workspace.ledger.read("SELECT note FROM events WHERE kind = 'post' ORDER BY source")]
    assert notes == [
        "1 passage, 0 tagged by hand; 2 left out: the model's words, not the author's",
        "1 passage, 0 tagged by hand",
    ]
    assert workspace.ledger.read("SELECT count(*) FROM documents WHERE summary_hash IS NOT NULL") == [(0,)]


@pytest.mark.model
def test_rewrite_and_summarise_remember_what_they_wrote(blog: Blog) -> None:
    """Every span that the model changed is known when the command is done, and no text of the author's is."""
    import json

    blog.settings(QUIET)
    post = blog.post("kettle", f"{WORDS}\n\n{OTHER}")
    done = blog.tonewright("rewrite", str(post), "--model", "base", "--json")
    assert done.code == 0, done.err
    ledger = blog.workspace().ledger
    for span in json.loads(done.out)["spans"]:
        assert share_written(ledger, span["before"]) == 0.0
        assert (share_written(ledger, span["after"]) > 0) == (span["after"] != span["before"])
    summary = blog.tonewright("summarise", str(post), "--model", "base")
    if summary.code == 0 and summary.out.strip() not in post.read_text():
        assert share_written(ledger, summary.out) > 0


def test_the_ring_never_fails(blog: Blog) -> None:
    """With and without a configuration it exits with 0; with one, it rings."""
    assert run("ring", blog).returncode == 0
    blog.settings()
    assert run("ring", blog).returncode == 0
    assert (Path(os.environ["TONEWRIGHT_STATE"]) / "spool" / "git").exists()
