"""A run from its inputs to its model, on this machine and over SSH, and what may happen to it on the way."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import until
from tests.integration.remote.conftest import MakeRun, wait_for
from tonewright.errors import BadInput, NothingToDo
from tonewright.remote.courier import cancel, fetch, poll, start
from tonewright.remote.host import Host, HostSettings, open_host


@pytest.fixture(params=["local", pytest.param("ssh", marks=pytest.mark.sshd)])
def host(request: pytest.FixtureRequest) -> Host:
    """Either kind of host."""
    chosen: Host = request.getfixturevalue(f"{request.param}_host")
    return chosen


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_run_goes_there_and_its_model_comes_back(host: Host, make_run: MakeRun, tmp_path: Path) -> None:
    """Ship, start, poll and fetch bring back exactly the trainer's bytes; fetching again changes nothing."""
    run, goal = make_run(), tmp_path / "fetched"
    assert poll(host, run.name).state == "absent"
    run.ship(host)
    assert poll(host, run.name).state == "queued"
    with pytest.raises(NothingToDo):
        fetch(host, run.name, goal)
    assert start(host, run.name).state in ("running", "finished")
    ended = wait_for(host, run.name, "finished")
    assert (ended.rc, ended.error, ended.progress) == (0, "", {"step": 5, "steps": 5})
    assert "step 5" in ended.log_tail
    files = fetch(host, run.name, goal)
    assert files == [goal / "adapter.gguf", goal / "report" / "rows.txt"]
    assert files[0].read_bytes() == run.blobs["base.gguf"].read_bytes()[::-1]
    assert files[1].read_bytes() == (run.inputs / "train.jsonl").read_bytes()
    before = {p: p.stat().st_mtime_ns for p in goal.rglob("*")}
    assert fetch(host, run.name, goal) == files
    assert {p: p.stat().st_mtime_ns for p in goal.rglob("*")} == before


def test_what_is_over_there_is_not_sent_again(host: Host, make_run: MakeRun) -> None:
    """A blob that a second run shares, and the files of a run that is shipped twice, stay the same files."""
    first, second = make_run("first"), make_run("second")
    first.ship(host)
    folder = first.there.parents[1]
    before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}
    second.ship(host)
    first.ship(host)
    assert {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in before} == before
    assert len(list((folder / "blobs").iterdir())) == 1


def test_only_this_user_can_read_what_was_sent(host: Host, make_run: MakeRun) -> None:
    """The folders that hold the author's words on the host are closed to others."""
    run = make_run()
    run.ship(host)
    assert {p.stat().st_mode & 0o077 for p in (run.there, run.there.parent, run.there.parents[1])} == {0}


def test_second_start_does_not_start_twice(host: Host, make_run: MakeRun) -> None:
    """Starting a living run, or a finished one, starts no second trainer."""
    run = make_run(steps=20)
    run.ship(host)
    for _ in range(2):
        start(host, run.name)
    wait_for(host, run.name, "finished")
    assert start(host, run.name).state == "finished"
    assert len(run.starts) == 1


def test_words_reach_python_unharmed(host: Host, tmp_path: Path) -> None:
    """Quotes, dollars, newlines and semicolons in an argument are data on either kind of host."""
    words = ["it's", 'a "b"', f"$(touch {tmp_path}/PWNED)", "`id`; exit 3", "two\nlines", "~", "*", ""]
    done = host.python(["-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words])
    assert json.loads(done.stdout) == words
    assert not (tmp_path / "PWNED").exists()


def test_host_says_what_it_offers(local_settings: HostSettings) -> None:
    """The report of a host names its Python, and there is room on its disk."""
    with open_host(replace(local_settings, python="python3")) as host:
        offer = host.check()
    assert offer.python.startswith("3.")
    assert offer.free_bytes > 0


def test_killed_trainer_is_resumed_once(local_host: Host, make_run: MakeRun) -> None:
    """After kill -9 of the trainer the run is dead; the next start resumes it, and only once."""
    run = make_run(steps=40)
    run.ship(local_host)
    start(local_host, run.name)
    until(lambda: poll(local_host, run.name).progress.get("step", 0) >= 2)
    os.kill(run.starts[0], signal.SIGKILL)
    assert "signal 9" in wait_for(local_host, run.name, "dead").error
    assert start(local_host, run.name).attempt == 2
    start(local_host, run.name)
    ended = wait_for(local_host, run.name, "finished")
    assert (ended.rc, ended.attempt, len(run.starts)) == (0, 2, 2)


def test_run_that_keeps_dying_is_given_up(local_host: Host, make_run: MakeRun) -> None:
    """After three attempts that were killed, a start gives up and says so."""
    run = make_run(die=True, steps=50)
    run.ship(local_host)
    for _ in range(3):
        start(local_host, run.name)
        wait_for(local_host, run.name, "dead")
    ended = start(local_host, run.name)
    assert (ended.state, ended.rc, len(run.starts)) == ("finished", 70, 3)
    assert "gave up after 3 attempts" in ended.error


def test_failed_run_says_why_and_can_be_tried_again(local_host: Host, make_run: MakeRun) -> None:
    """A trainer that ends with an error leaves its last words; only `again` starts it once more."""
    run = make_run(fail=True)
    run.ship(local_host)
    start(local_host, run.name)
    ended = wait_for(local_host, run.name, "finished")
    assert (ended.rc, ended.error) == (1, "the trainer ended with 1: the loss is not a number")
    start(local_host, run.name)
    assert len(run.starts) == 1
    start(local_host, run.name, again=True)
    until(lambda: len(run.starts) == 2)
    wait_for(local_host, run.name, "finished")


def test_code_that_cannot_run_is_an_error_of_the_run(local_host: Host, make_run: MakeRun) -> None:
    """A code.zip that is no zip ends the run with a sentence instead of leaving it hanging."""
    run = make_run()
    (run.inputs / "code.zip").write_bytes(b"not a zip")
    run.ship(local_host)
    start(local_host, run.name)
    ended = wait_for(local_host, run.name, "finished")
    assert ended.rc == 1
    assert "did not start" in ended.error


def test_cancel_ends_the_trainer_and_its_helpers(local_host: Host, make_run: MakeRun) -> None:
    """Cancelling leaves no process of the run behind and records that it was cancelled."""
    run = make_run(steps=10_000, helper=True)
    run.ship(local_host)
    start(local_host, run.name)
    until((run.there / "helper").exists)
    until(run.starts.__len__)
    ended = cancel(local_host, run.name)
    assert (ended.state, ended.rc, ended.error) == ("finished", 143, "cancelled")
    until(lambda: gone(run.starts[0]))
    until(lambda: gone(int((run.there / "helper").read_text())))


def test_cancelled_before_its_start_does_not_start(local_host: Host, make_run: MakeRun) -> None:
    """A queued run that is cancelled stays cancelled."""
    run = make_run()
    run.ship(local_host)
    cancel(local_host, run.name)
    assert start(local_host, run.name).rc == 143
    assert run.starts == []


def test_frozen_run_is_stale_and_can_be_cancelled(
    local_host: Host, make_run: MakeRun, request: pytest.FixtureRequest
) -> None:
    """A supervisor that is stopped shows as stale once its heartbeat is old, and cancelling still ends it."""
    run = make_run(steps=10_000)
    run.ship(local_host)
    start(local_host, run.name)
    until(lambda: run.starts)
    pid = json.loads((run.there / "process.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    os.utime(run.there / "heartbeat", (0, 0))
    assert poll(local_host, run.name).state == "stale"
    os.kill(pid, signal.SIGCONT)
    assert cancel(local_host, run.name).rc == 143


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_over_there(local_host: Host, make_run: MakeRun, days: int) -> None:
    """A heartbeat from another year makes nobody start a second trainer, nor end the one that works."""
    run = make_run(steps=30)
    run.ship(local_host)
    start(local_host, run.name)
    until(lambda: run.starts)
    jumped = time.time() + days * 86_400
    os.utime(run.there / "heartbeat", (jumped, jumped))
    assert poll(local_host, run.name).state in ("running", "stale")
    start(local_host, run.name)
    ended = wait_for(local_host, run.name, "finished")
    assert (ended.rc, len(run.starts)) == (0, 1)


def test_trainer_without_supervisor_is_not_doubled(local_host: Host, make_run: MakeRun) -> None:
    """A start leaves an orphaned trainer alone while it works, and settles the run when it has ended."""
    run = make_run(steps=40)
    run.ship(local_host)
    start(local_host, run.name)
    until(lambda: run.starts)
    until(lambda: "trainer" in json.loads((run.there / "process.json").read_text()))
    os.kill(json.loads((run.there / "process.json").read_text())["pid"], signal.SIGKILL)
    assert start(local_host, run.name).state == "running"
    assert len(run.starts) == 1
    wait_for(local_host, run.name, "dead")
    start(local_host, run.name)
    ended = wait_for(local_host, run.name, "finished")
    assert (ended.rc, ended.attempt, len(run.starts)) == (0, 2, 2)


def test_pid_of_another_boot_is_never_believed(local_host: Host, make_run: MakeRun) -> None:
    """A recorded pid that now belongs to somebody else neither keeps a run alive nor gets a signal."""
    run = make_run()
    run.ship(local_host)
    ours = {"pid": os.getpid(), "started": "1", "boot": "an earlier one"}
    (run.there / "process.json").write_text(json.dumps({"attempt": 1, **ours, "trainer": ours}))
    assert poll(local_host, run.name).state == "dead"
    assert start(local_host, run.name).attempt == 2
    assert wait_for(local_host, run.name, "finished").rc == 0


def test_manifest_cannot_name_other_places(local_host: Host, make_run: MakeRun, tmp_path: Path) -> None:
    """A manifest from the host that points outside the folder is refused before anything is written."""
    run = make_run()
    run.ship(local_host)
    (run.there / "out").mkdir()
    manifest = {"files": {"../evil": {"sha256": "0" * 64, "bytes": 1}}}
    (run.there / "out" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match="no place under"):
        fetch(local_host, run.name, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
