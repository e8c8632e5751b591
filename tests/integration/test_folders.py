"""Watched folders: taken when whole and quiet, once, and never written to."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import pytest

from tasks.consumer import drain
from tests.conftest import QUIET, Blog
from tonewright.workspace import Workspace
from watchers.scan import folders, scan
from watchers.settle import Settling

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def tone_wav(path: Path, seconds: float = 1.0) -> None:
    """A short recording: a rough 200 Hz wave."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        period = b"".join((12000 if i < 40 else -12000).to_bytes(2, "little", signed=True) for i in range(80))
        out.writeframes(period * int(200 * seconds))


class Watch:
    """A folder of notes and a clock that the test moves."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.now = 0.0
        self.settling = Settling(workspace.config.notes.settle_seconds, clock=lambda: self.now)

    def look(self, after: float = 0.0) -> int:
        """Scan all folders `after` seconds later; returns the number of new events."""
        self.now += after
        return sum(len(scan(self.workspace, f, self.settling)) for f in folders(self.workspace))

    def take(self) -> int:
        """Two looks with enough quiet between them."""
        return self.look() + self.look(after=10)

    def states(self) -> list[tuple[str, str]]:
        drain(self.workspace)
        return self.workspace.ledger.read("SELECT state, note FROM events ORDER BY id")

    def files(self) -> dict[str, tuple[str, str]]:
        return {
            Path(p).name: (s, n) for p, s, n in self.workspace.ledger.read("SELECT path, state, note FROM manifest")
        }


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(blog: Blog, notes: Path) -> Watch:
    blog.settings(QUIET + f'[notes]\nfolders = ["{notes}"]\n')
    return Watch(blog.workspace())


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


def test_an_unmounted_folder_deletes_nothing(blog: Blog, tmp_path: Path) -> None:
    """A posts folder that is not there takes no post away; a deleted post leaves."""
    writing = tmp_path / "writing"
    writing.mkdir()
    (writing / "one.md").write_text(f"---\ntitle: one\n---\n\n{WORDS}\n")
    blog.settings(QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]'))
    watch = Watch(blog.workspace())
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
