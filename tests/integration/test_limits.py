"""`tonewright limits` on a base of a few megabytes: measured once, stopped and gone on with, honest about a crash."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("jinja2")

from tests.conftest import NO_MODEL, REPOSITORY, Blog, children, until
from tests.serving import promote_random
from tests.tiny import tiny_base
from tonewright.models.base import BaseModel

pytestmark = pytest.mark.model

TWO = ("limits", "--items", "4", "--quant", "q8_0", "--model", "none")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    """The tiny base, written once: its words take a few seconds."""
    return tiny_base(tmp_path_factory.mktemp("base") / "tiny.gguf")


@pytest.fixture
def written(blog: Blog, base: BaseModel) -> Blog:
    """A blog of six posts, some of them held out, and the tiny base."""
    posts = sorted((REPOSITORY / "examples" / "blog" / "_posts").glob("2025-*.md"))[:6]
    settings = f'{NO_MODEL}[model]\nbase = "{base.gguf}"\n[training]\nheld_out = 0.4\n'
    blog.settings(settings + "[thresholds]\nmin_new_examples = 9999\n")
    for post in posts:
        blog.write(f"_posts/{post.name}", post.read_bytes())
    blog.commit()
    done = blog.tonewright("up", "--once")
    assert done.code == 0, done.err
    return blog


@pytest.fixture
def state() -> Path:
    """The state folder of the blog."""
    return Path(os.environ["TONEWRIGHT_STATE"])


def records(state: Path) -> dict[str, int]:
    """The measurements of combinations, each with the moment at which it was written."""
    found = [file for file in state.glob("limits/*.json") if not file.name.startswith("own-")]
    return {file.name: file.stat().st_mtime_ns for file in found}


@contextmanager
def measuring(blog: Blog) -> Iterator[subprocess.Popen[bytes]]:
    """The command at work, killed at the end if it has not ended."""
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"  # the shell may ignore it
    words = [sys.executable, "-c", f"{start}; from tonewright.cli.main import main; sys.exit(main())", *TWO]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, cwd=blog.root, stdin=quiet, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


def sitting(process: subprocess.Popen[bytes]) -> list[int]:
    """The child that measures, if there is one."""
    found = []
    for pid in children(process.pid):
        with suppress(OSError):
            if b"tonewright.limits.sitting" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.mark.proof
def test_everything_at_hand_is_measured_once(written: Blog, base: BaseModel, state: Path, cache: Path) -> None:
    """Base and champion, as they are, quantised and merged: figures, page and JSON agree, and are not made twice."""
    ledger = written.workspace().ledger
    promote_random(ledger, state / "random", 1, base)
    planned = written.tonewright("limits", "--items", "4", "--quant", "q8_0", "--dry-run", "--json")
    assert [cell["measured"] for cell in json.loads(planned.out)["cells"]] == [False] * 5
    assert not records(state)

    done = written.tonewright("limits", "--items", "4", "--quant", "q8_0", "--json", timeout=110)
    assert done.code == 0, done.err
    told: dict[str, Any] = json.loads(done.out)
    found = {(cell["form"], cell["way"]): cell for cell in told["cells"]}
    assert list(found) == [
        *(("as it is", way) for way in ("alone", "adapter")),
        *(("q8_0", way) for way in ("alone", "adapter", "merged")),
    ]
    for cell in found.values():
        low, high = cell["perplexity"][1:]
        assert 1 < low <= cell["perplexity"][0] <= high
        assert cell["tokens_per_second"][0] > 0 and cell["first_token_seconds"][0] > 0
        assert cell["memory_bytes"] > cell["disk_bytes"] > 0
    assert found["q8_0", "alone"]["disk_bytes"] < found["as it is", "alone"]["disk_bytes"]
    assert found["as it is", "adapter"]["perplexity"] != found["as it is", "alone"]["perplexity"]
    assert "5 of 5" in done.err

    page = Path(told["page"])
    assert json.loads(page.with_suffix(".json").read_text()) == told
    assert "4 passages are too few to claim a difference" in page.read_text()
    before = records(state)
    again = json.loads(written.tonewright("limits", "--items", "4", "--quant", "q8_0", "--json").out)
    assert (again, records(state)) == (told, before)
    assert list((cache / "limits").iterdir()) == []  # nothing that was made for it is left
    words = "".join(file.read_text() for file in (state / "limits").iterdir())
    assert len(words) > 1000 and "the" not in words.split()


@pytest.mark.proof
def test_a_run_that_was_stopped_or_crashed_goes_on(written: Blog, state: Path) -> None:
    """What was measured before a kill or ^C stays as it was; a crash is a row that says so; the next run mends both.

    A second run at the same time says that it has to wait.
    """
    with measuring(written) as process:
        until(lambda: len(records(state)) == 1 and sitting(process), 60)
        (child,) = sitting(process)
        os.kill(child, signal.SIGSTOP)  # so that it is sure to be at work
        first = records(state)
        assert written.tonewright(*TWO).code == 75
        process.kill()
        process.wait()
        os.kill(child, signal.SIGCONT)
        until(lambda: not Path(f"/proc/{child}").exists(), 30)  # nobody listens to it any more
    with measuring(written) as process:
        until(lambda: sitting(process), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert records(state) == first

    with measuring(written) as process:
        until(lambda: sitting(process), 60)
        os.kill(sitting(process)[0], signal.SIGKILL)  # as the kernel does when the memory is full
        assert process.wait(60) == 0
    page = state / "tonewright-limits.json"
    measured, crashed = json.loads(page.read_text())["cells"]
    assert "killed by signal 9" in crashed["failed"] and "memory" in crashed["failed"]
    assert measured["perplexity"][0] > 1
    assert "killed by signal 9" in page.with_suffix(".html").read_text()

    done = written.tonewright(*TWO)
    assert done.code == 0 and "2 of 2" in done.err and "1 of 2" not in done.err, done.err
    assert first.items() < records(state).items()
    assert not any("failed" in cell for cell in json.loads(page.read_text())["cells"])


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--items", "2"), 2, "too few to measure by"),
        (("--quant", "q9"), 2, "there is no quantisation 'q9'"),
        (("--base", "nowhere.gguf"), 78, "there is no base model at"),
        ((), 3, "0 held-out passages are too few to measure by"),
    ],
)
def test_what_cannot_be_measured_is_said_before_anything_is(
    blog: Blog, words: tuple[str, ...], code: int, why: str
) -> None:
    """A slip of the author's, and a corpus that is too small, end in a sentence and an exit code of their own."""
    blog.settings(NO_MODEL)
    done = blog.tonewright("limits", *words)
    assert (done.code, why in done.err) == (code, True), done.err
