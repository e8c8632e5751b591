"""Watched folders: taken when whole and quiet, once, and never written to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tests.watched import WORDS, Watch, note, post, tone_wav
from tonewright.workspace import file_system, is_remote


def test_a_note_with_its_words_becomes_passages_of_its_folders_tone(watch: Watch, notes: Path) -> None:
    """Folder, audio and transcript together make hand-tagged passages; the folder stays as it was."""
    tone_wav(notes / "wistful" / "boat.wav")
    (notes / "wistful" / "boat.txt").write_text(f"{WORDS}\n\n{WORDS.replace('kettle', 'stove')}\n")
    before = sorted((p, p.stat().st_mtime_ns) for p in notes.rglob("*"))
    assert watch.take() == 1
    assert watch.states()[0][0] == "done"
    assert watch.workspace.ledger.read("SELECT tone, source, count(*) FROM labels GROUP BY tone, source") == [
        ("wistful", "folder", 2)
    ]
    assert sorted((p, p.stat().st_mtime_ns) for p in notes.rglob("*")) == before
    assert watch.take() == 0


def test_a_note_waits_for_its_words(watch: Watch, notes: Path) -> None:
    """Without a transcript the note waits and says for what; when it comes, it is taken once."""
    tone_wav(notes / "boat.wav")
    assert watch.take() == 1
    state, note = watch.states()[0]
    assert state == "pending"
    assert "boat.txt" in note
    (notes / "boat.txt").write_text(WORDS)
    assert watch.take() == 1
    assert [s for s, _ in watch.states()][:2] == ["superseded", "done"]


def test_a_file_is_taken_only_when_it_has_been_quiet(watch: Watch, notes: Path) -> None:
    """While it grows it is left alone; a copy that keeps its old date is no exception."""
    tone_wav(notes / "boat.wav", 2)
    whole = (notes / "boat.wav").read_bytes()
    (notes / "boat.txt").write_text(WORDS)
    for part in range(1, 5):
        (notes / "boat.wav").write_bytes(whole[: len(whole) * part // 4])
        assert watch.look(after=3) == 0
    assert watch.look(after=10) == 1


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("empty.m4a", b"", "is empty"),
        ("cut.wav", None, "is not whole"),
    ],
)
def test_files_that_are_not_whole_are_shown_and_kept_in_view(
    watch: Watch, notes: Path, name: str, content: bytes | None, complaint: str
) -> None:
    """They never become events; `status` names them with a remedy; once mended they are taken."""
    if content is None:
        tone_wav(notes / name)
        content = (notes / name).read_bytes()[:9000]
    (notes / name).write_bytes(content)
    assert watch.take() == 0
    assert watch.look(after=100) == 0
    state, note = watch.files()[name]
    assert state == "attention"
    assert complaint in note
    assert ": " in note
    (notes / name).unlink()
    tone_wav(notes / f"mended{Path(name).suffix}")
    assert watch.take() == 1
    assert name not in watch.files()


def test_what_is_not_audio_fails_with_a_sentence(watch: Watch, notes: Path) -> None:
    """The event fails with file and remedy; the others go on."""
    (notes / "letter.m4a").write_text("this is a letter and no recording at all " * 20)
    (notes / "letter.txt").write_text(WORDS)
    tone_wav(notes / "boat.wav")
    (notes / "boat.txt").write_text(WORDS)
    watch.take()
    told = dict(watch.workspace.ledger.read("SELECT source, state FROM events")) if watch.states() else {}
    assert told[str(notes / "letter.m4a")] == "failed" or (watch.files()["letter.m4a"][0] in ("arriving", "attention"))
    assert told[str(notes / "boat.wav")] == "done"
    note = watch.workspace.ledger.read("SELECT note FROM events WHERE source LIKE '%letter.m4a'")
    for (text,) in note:
        assert str(notes / "letter.m4a") in text
        assert "store" not in text


def test_by_products_are_ignored(watch: Watch, notes: Path) -> None:
    """Temporary names, sync leftovers and hidden files are nobody's notes."""
    for name in (".boat.wav", "boat.wav.part", "~boat.wav", ".syncthing.boat.wav.tmp", "boat.wav.icloud"):
        tone_wav(notes / name)
    assert watch.take() == 0


def test_an_unmounted_folder_deletes_nothing(posts: Watch, writing: Path, tmp_path: Path) -> None:
    """A posts folder that is not there takes no post away; a deleted post leaves."""
    watch = posts
    post(writing / "one.md")
    live = "SELECT count(*) FROM documents WHERE live"
    assert watch.take() == 1
    watch.states()
    assert watch.workspace.ledger.read(live) == [(1,)]
    shutil.move(writing, tmp_path / "away")
    assert watch.take() == 0
    watch.states()
    assert watch.workspace.ledger.read(live) == [(1,)]
    shutil.move(tmp_path / "away", writing)
    assert watch.take() == 0
    (writing / "one.md").unlink()
    assert watch.take() == 1
    watch.states()
    assert watch.workspace.ledger.read(live) == [(0,)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, mounted at `tmp_path/disk`."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    done = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting a disk needs more rights than this user has ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def test_an_empty_mount_point_deletes_nothing(blog: Blog, disk: Path) -> None:
    """Where the folder stays and the disk is gone, no post leaves, even if something is written there meanwhile."""
    post(disk / "one.md")
    blog.settings(QUIET.replace("[blog]", f'[blog]\nfolders = ["{disk}"]'))
    watch = Watch(blog.workspace())
    assert watch.take() == 1
    assert watch.live() == ["one.md"]
    subprocess.run(["umount", disk], check=True)
    assert disk.is_dir() and not list(disk.iterdir())
    assert watch.take() == 0
    post(disk / "two.md", WORDS.replace("kettle", "stove"))
    assert watch.take() == 1
    assert watch.take() == 0
    assert watch.live() == ["one.md", "two.md"]


def test_a_folder_that_cannot_be_listed_deletes_nothing(posts: Watch, writing: Path) -> None:
    """What is in a locked folder is not known, so it is not gone."""
    post(writing / "deep" / "one.md")
    if os.getuid() == 0:
        pytest.skip("root can list every folder")
    assert posts.take() == 1
    (writing / "deep").chmod(0)
    try:
        assert posts.take() == 0
        assert posts.live() == ["one.md"]
    finally:
        (writing / "deep").chmod(0o700)


def test_folders_inside_one_another_are_scanned_once(blog: Blog, writing: Path) -> None:
    """The outer folder sees the file of the inner one; a folder that its scan would pass over is scanned as well."""
    post(writing / "drafts" / "one.md")
    post(writing / ".kept" / "two.md", WORDS.replace("kettle", "stove"))
    names = [writing, writing / "drafts", writing, writing / ".kept", writing / "drafts"]
    blog.settings(QUIET.replace("[blog]", f"[blog]\nfolders = {json.dumps([str(n) for n in names])}"))
    watch = Watch(blog.workspace())
    assert watch.take() == 2
    assert watch.live() == ["one.md", "two.md"]


def test_drafts_of_plain_markdown_wait_for_their_folder(posts: Watch, writing: Path) -> None:
    """A file in a `_drafts` folder is left out; moved out of it, it is published writing."""
    post(writing / "_drafts" / "one.md")
    assert posts.take() == 1
    assert posts.states()[0][0] == "refused"
    (writing / "_drafts" / "one.md").rename(writing / "one.md")
    posts.take()
    assert posts.live() == ["one.md"]


def test_what_a_cloud_has_not_downloaded_is_listed_and_not_opened(watch: Watch, blog: Blog, notes: Path) -> None:
    """A stub and a file without a single block are shown by `status`; downloaded, each is taken once."""
    (notes / ".boat.wav.icloud").write_bytes(b"bplist")
    with (notes / "quay.wav").open("wb") as hollow:
        hollow.truncate(100_000)
    assert watch.take() == 0
    told = json.loads(blog.tonewright("status", "--json").out)["files"]
    assert {(Path(f["path"]).name, f["state"]) for f in told} == {
        ("boat.wav", "in the cloud"),
        ("quay.wav", "in the cloud"),
    }
    (notes / ".boat.wav.icloud").unlink()
    note(notes / "boat.wav")
    note(notes / "quay.wav", 2.0)
    assert watch.take() == 2
    assert json.loads(blog.tonewright("status", "--json").out)["files"] == []


def test_odd_files_are_no_trap(watch: Watch, notes: Path) -> None:
    """A pipe is not opened, and a name that is no text is shown with its remedy; the others are taken."""
    os.mkfifo(notes / "pipe.wav")
    Path(os.fsdecode(os.fsencode(notes) + b"/caf\xe9.wav")).write_bytes(b"RIFF")
    note(notes / "boat.wav")
    assert watch.take() == 1
    assert "rename it" in watch.files()["caf\\xe9.wav"][1]


def test_one_folder_for_posts_and_notes(blog: Blog, writing: Path) -> None:
    """Each file is what it is, and none is taken for a vanished one of the other kind."""
    settings = QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]') + f'[notes]\nfolders = ["{writing}"]\n'
    blog.settings(settings)
    watch = Watch(blog.workspace())
    post(writing / "one.md")
    note(writing / "boat.wav", words=WORDS.replace("kettle", "stove"))
    assert watch.take() == 2
    assert watch.live() == ["boat.wav", "one.md"]
    assert watch.take() == 0


def test_a_killed_scan_is_taken_up_again(blog: Blog, notes: Path) -> None:
    """Killed while it copies: the next one clears what lies half copied, and takes every file once."""
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\nsettle_seconds = 0\n')
    for number in range(300):
        tone_wav(notes / f"{number:03}.wav", 0.1 + number / 1000)
    workspace = blog.workspace()
    store = workspace.folder("store")
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "tonewright", "scan"], cwd=blog.root, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not any(store.glob("incoming.*")):
            pass
        process.kill()
        process.wait()
    (store / "incoming.1.part").write_bytes(b"half")
    Watch(workspace).look()
    assert not list(store.glob("incoming.*"))
    sources = workspace.ledger.read("SELECT count(*), count(DISTINCT source) FROM events")
    assert sources == [(300, 300)]


def test_scans_at_the_same_time_take_a_file_once(blog: Blog, notes: Path) -> None:
    """Three processes scan the same new notes: every note is one event, and the store holds no half copy."""
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\nsettle_seconds = 0\n')
    for number in range(250):
        tone_wav(notes / f"{number:03}.wav", 0.1 + number / 1000)
    command = [sys.executable, "-m", "tonewright", "scan"]
    scans = [subprocess.Popen(command, cwd=blog.root, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait() for process in scans] == [0, 0, 0]
    workspace = blog.workspace()
    assert workspace.ledger.read("SELECT count(*), count(DISTINCT source) FROM events") == [(250, 250)]
    assert not list(workspace.folder("store").glob("incoming.*"))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("36 35 0:34 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\;uid=1000,cache=5", "drvfs"),
        ("36 35 0:34 / /mnt/c rw,noatime - 9p share rw,trans=virtio", "9p"),
        ("36 35 0:34 / /mnt/c rw - nfs4 nas:/blog rw,vers=4.2", "nfs4"),
        ("36 35 0:34 / /mnt/c rw - cifs //nas/blog rw,vers=3.1.1", "cifs"),
        ("36 35 0:34 / /mnt/c rw - fuse.sshfs ines@nas: rw,user_id=0", "fuse.sshfs"),
    ],
)
def test_file_systems_that_report_no_events_are_known(tmp_path: Path, line: str, kind: str) -> None:
    """Each is named as people know it, WSL 2's Windows drives among them, and is scanned."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"21 1 254:0 / / rw - ext4 /dev/vda rw\n{line}\n")
    assert file_system(Path("/mnt/c/Users/ines/notes"), mounts) == kind
    assert is_remote(kind)
    assert not is_remote(file_system(Path("/home/ines"), mounts))
