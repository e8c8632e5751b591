"""What a person at the terminal sees: sentences, exit codes, JSON that programs can read."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


@pytest.fixture
def ready(blog: Blog) -> Blog:
    """A blog with a good post and three bad ones, worked off."""
    blog.settings()
    blog.post("good", WORDS, front="summary: A kettle is mourned.\ntone: dry\n")
    blog.write(
        "_posts/2026-01-03-broken.md",
        "---\ntitle: [oops\n---\n\nWords that nobody will read today, sadly enough.\n",
    )
    blog.write(
        "_posts/2026-01-04-latin.md",
        b"---\ntitle: x\n---\n\nCaf\xe9 is not UTF-8, and this line has eight words.\n",
    )
    blog.post("tone", WORDS, front="tone: snrk\n", date="2026-01-05")
    blog.post("open", f"<snark>{WORDS}", date="2026-01-06")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    return blog


def test_status_names_each_fault_with_place_and_remedy(ready: Blog) -> None:
    """Four bad posts, four sentences with file, line and what to do; the good one is in the corpus."""
    told = json.loads(ready.tonewright("status", "--json").out)
    notes = {Path(e["source"]).stem[11:]: e["note"] for e in told["failed"]}
    assert set(notes) == {"broken", "latin", "tone", "open"}
    assert "_posts/2026-01-03-broken.md:" in notes["broken"]
    assert "UTF-8" in notes["latin"]
    assert "_posts/2026-01-04-latin.md:5" in notes["latin"]
    assert "snark" in notes["tone"]
    assert "_posts/2026-01-06-open.md:5" in notes["open"] or "_posts/2026-01-06-open.md:" in notes["open"]
    assert told["events"]["post"]["done"] == 1
    assert told["schema_version"] == 1


def test_log_tells_the_whole_story(ready: Blog) -> None:
    """From the end of a path to every step that followed, with the commit."""
    told = ready.tonewright("log", "good.md").out
    assert ready.git("rev-parse", "HEAD").strip() in told
    for word in ("seen", "1 passage", "tag", "pair"):
        assert word in told
    assert ready.tonewright("log", "nothing-like-it.md").code == 2
    assert json.loads(ready.tonewright("log", "--json").out)["events"]


def test_mended_and_retried(ready: Blog) -> None:
    """A mended post is taken by its next commit; retry revives what failed."""
    assert "pending again" in ready.tonewright("retry").out
    ready.tonewright("up", "--once")
    ready.post("tone", WORDS, front="tone: snark\n", date="2026-01-05")
    ready.commit()
    ready.tonewright("up", "--once")
    told = json.loads(ready.tonewright("status", "--json").out)
    assert told["events"]["post"]["done"] == 2


def test_corpus_stats_and_export(ready: Blog, tmp_path: Path) -> None:
    """Rows are chat messages with the author's words as the answer, and lead back to their source."""
    assert ready.tonewright("corpus", "export", str(tmp_path / "out.jsonl")).code == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [r["kind"] for r in rows] == ["summary"]
    assert rows[0]["messages"][-1] == {"role": "assistant", "content": "A kettle is mourned."}
    assert rows[0]["source"]["path"] == "_posts/2026-01-02-good.md"
    assert ready.tonewright("corpus", "export").out == (tmp_path / "out.jsonl").read_text()
    assert json.loads(ready.tonewright("corpus", "stats", "--json").out)["passages"] == 1


def test_retrain_why_and_exit_codes(ready: Blog) -> None:
    """Rules with counts; nothing due is exit code 3, no model is 3 as well."""
    why = ready.tonewright("retrain", "--why")
    assert why.code == 0
    assert "min_new_words" in why.out
    assert "more" in why.out
    for words in (["retrain"], ["model", "list"], ["retrain", "status"], ["model", "rollback"]):
        assert ready.tonewright(*words).code == 3, words


def test_an_empty_corpus_has_nothing_to_export(blog: Blog) -> None:
    """Exit code 3 and a sentence."""
    blog.settings()
    done = blog.tonewright("corpus", "export")
    assert done.code == 3
    assert "no rows yet" in done.err


def test_usage_and_configuration_errors(blog: Blog) -> None:
    """Codes 2 and 78, one sentence each."""
    assert blog.tonewright("status").code == 2
    assert blog.tonewright("nonsense").code == 2
    blog.settings("[thresholds]\nmin_new_exampels = 1\n")
    done = blog.tonewright("status")
    assert done.code == 78
    assert done.err.count("\n") == 1
    assert "did you mean min_new_examples" in done.err
    blog.settings('[training]\nhost = "laptop"\n')
    assert blog.tonewright("status").code == 78


def test_config_show_tells_origins(blog: Blog) -> None:
    """Each value with the file or variable it came from."""
    blog.settings()
    done = blog.tonewright("config", "show", "--origin", env={"TONEWRIGHT_TRAINING_RECIPE": "phi-2"})
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert lines["tagger.use"].endswith("tonewright.toml")
    assert lines["training.recipe"].endswith("$TONEWRIGHT_TRAINING_RECIPE")
    assert lines["training.host"].endswith("default")


def test_a_ledger_from_the_future(ready: Blog) -> None:
    """A newer state folder is refused with a remedy, and not touched."""
    file = Path(os.environ["TONEWRIGHT_STATE"]) / "ledger.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    done = ready.tonewright("status")
    assert done.code == 1
    assert "newer tonewright" in done.err
    assert "TONEWRIGHT_STATE" in done.err


def test_a_state_folder_that_cannot_be_written(blog: Blog, tmp_path: Path) -> None:
    """A sentence with a remedy, no traceback."""
    blog.settings()
    (tmp_path / "file").write_text("")
    done = blog.tonewright("status", env={"TONEWRIGHT_STATE": str(tmp_path / "file" / "state")})
    assert done.code == 1
    assert "TONEWRIGHT_STATE" in done.err
    assert "Traceback" not in done.err


def test_doctor_names_the_first_broken_link(blog: Blog) -> None:
    """Exit code 1 with the command that mends it."""
    blog.settings(QUIET)
    blog.post("good", WORDS)
    blog.commit()
    done = blog.tonewright("doctor")
    assert done.code == 1
    assert "first broken link: hooks" in done.out
    assert "run `tonewright init`" in done.out


def test_version_and_help() -> None:
    """The front door."""
    blog = Blog(Path.cwd())
    assert blog.tonewright("--version").out.startswith("tonewright ")
    assert "retrain" in blog.tonewright("--help").out


def test_without_a_model_everything_else_goes_on(blog: Blog) -> None:
    """Posts are taken and hand tones kept; what needs the model waits and says for what; rewriting is code 78."""
    blog.settings('[model]\nbase = "/nowhere/model.gguf"\n')
    blog.post("good", WORDS, front="tone: dry\nsummary: A kettle is mourned.\n")
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    told = json.loads(blog.tonewright("status", "--json").out)
    assert told["events"]["post"] == {"done": 1}
    assert {e["kind"] for e in told["waiting"]} == {"tag", "pair"}
    assert all("/nowhere/model.gguf" in e["note"] for e in told["waiting"])
    blog.write("draft.md", WORDS)
    done = blog.tonewright("rewrite", "draft.md")
    assert done.code == 78
    assert done.err.count("\n") == 1
    assert "base model" in blog.tonewright("doctor").out


def test_a_post_of_code_and_quotations_is_left_out_with_the_reason(blog: Blog) -> None:
    """Nothing of the author's own in it: told so, and its earlier words leave the corpus."""
    blog.settings()
    blog.post("kettle", WORDS)
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    blog.post(
        "kettle", "```\nx = 1\n```\n\n> Somebody else said this, and it was long enough to be a passage.\n\nWell."
    )
    blog.commit()
    assert blog.tonewright("up", "--once").code == 0
    told = json.loads(blog.tonewright("status", "--json").out)
    (left_out,) = told["left_out"]
    assert "no paragraph of your own" in left_out["note"]
    assert "code 1" in left_out["note"] and "quote 1" in left_out["note"]
    assert blog.workspace().ledger.read(
        "SELECT count(*) FROM passages p JOIN documents d ON d.id = p.document WHERE d.live"
    ) == [(0,)]
    assert blog.tonewright("corpus", "verify").code == 0


def test_ten_megabytes_of_post(blog: Blog) -> None:
    """A page as long as a shelf, and one paragraph as long as a book, are read like any other."""
    blog.settings()
    blog.post("shelf", "\n\n".join(f"{WORDS[:-1]} for the {n}th time." for n in range(20_000)))
    blog.post("tags", "{% raw %} " * 100_000, date="2026-01-03")
    blog.write("_posts/2026-01-04-word.md", "---\ntitle: w\n---\n\n" + "a" * 8_000_000 + "\n")
    blog.commit()
    assert blog.tonewright("up", "--once", timeout=110).code == 0
    told = json.loads(blog.tonewright("status", "--json").out)
    assert told["failed"] == []
    assert blog.workspace().ledger.read("SELECT count(*) FROM passages") == [(20_000,)]
