"""Moved, renamed, linked, saved: whatever happens to a name, its words are one event with the right provenance."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog
from tests.watched import WORDS, Watch, note, post


def rename(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    file.rename(to)
    file.with_suffix(".txt").rename(to.with_suffix(".txt"))


def test_a_note_that_moves_is_one_document(watch: Watch, notes: Path) -> None:
    """Renamed, then moved into another folder: one event each, the tone follows, one live document at the end."""
    note(notes / "boat.wav")
    assert watch.take() == 1
    assert watch.live() == ["boat.wav"]
    rename(notes / "boat.wav", notes / "harbour.wav")
    assert watch.take() == 1
    assert watch.live() == ["harbour.wav"]
    rename(notes / "harbour.wav", notes / "wistful" / "harbour.wav")
    assert watch.take() == 1
    assert watch.live() == ["harbour.wav"]
    payload = watch.workspace.ledger.read("SELECT payload FROM events WHERE kind = 'note' ORDER BY id DESC LIMIT 1")
    assert [old["path"] for old in json.loads(payload[0][0])["moved_from"]] == [str(notes / "harbour.wav")]
    assert watch.workspace.ledger.read(
        """SELECT DISTINCT l.tone FROM labels l JOIN passages p ON p.id = l.passage
           JOIN documents d ON d.id = p.document WHERE d.live"""
    ) == [("wistful",)]
    assert watch.take() == 0


def test_a_note_that_moves_twice_before_it_is_heard(watch: Watch, notes: Path) -> None:
    """The events in between are superseded, and the first document is retired all the same; so is a way back."""
    note(notes / "boat.wav")
    watch.take()
    assert watch.live() == ["boat.wav"]
    for old, new in (("boat", "harbour"), ("harbour", "quay")):
        rename(notes / f"{old}.wav", notes / f"{new}.wav")
        assert watch.take() == 1
    assert watch.live() == ["quay.wav"]
    rename(notes / "quay.wav", notes / "boat.wav")
    assert watch.take() == 1
    assert watch.live() == ["boat.wav"]


def test_a_moved_folder_moves_its_notes(watch: Watch, notes: Path) -> None:
    """A folder with two notes gets another name: two events, two live documents at the new place."""
    note(notes / "inbox" / "boat.wav")
    note(notes / "inbox" / "quay.wav", 2.0, WORDS.replace("kettle", "stove"))
    assert watch.take() == 2
    watch.live()
    (notes / "inbox").rename(notes / "wistful")
    assert watch.take() == 2
    assert watch.live() == ["boat.wav", "quay.wav"]
    assert watch.take() == 0


def test_a_reused_name_is_another_note(watch: Watch, notes: Path) -> None:
    """The old note moves away and a new one takes its name at the same moment, as phones do: both are live."""
    note(notes / "New Recording.wav")
    watch.take()
    watch.live()
    rename(notes / "New Recording.wav", notes / "boat.wav")
    note(notes / "New Recording.wav", 2.0, WORDS.replace("kettle", "stove"))
    assert watch.take() == 2
    assert watch.live() == ["New Recording.wav", "boat.wav"]


@pytest.mark.parametrize("link", [os.link, shutil.copy])
def test_two_names_are_two_notes(watch: Watch, notes: Path, link: Callable[[Path, Path], object]) -> None:
    """A hard link or a copy in a tone's folder has its own provenance; deleting a name deletes no words."""
    note(notes / "boat.wav")
    assert watch.take() == 1
    (notes / "dry").mkdir()
    for suffix in (".wav", ".txt"):
        link(notes / f"boat{suffix}", notes / "dry" / f"quay{suffix}")
    assert watch.take() == 1
    assert watch.live() == ["boat.wav", "quay.wav"]
    (notes / "boat.wav").unlink()
    assert watch.take() == 0
    assert watch.live() == ["boat.wav", "quay.wav"]
    assert watch.workspace.ledger.read("SELECT count(*) FROM events WHERE kind = 'note'") == [(2,)]


def test_a_note_that_comes_back_is_no_news(watch: Watch, notes: Path) -> None:
    """Deleted and restored, and its words deleted after they were heard: the corpus stays as it is."""
    note(notes / "boat.wav")
    watch.take()
    sound = (notes / "boat.wav").read_bytes()
    watch.live()
    (notes / "boat.wav").unlink()
    assert watch.take() == 0
    (notes / "boat.wav").write_bytes(sound)
    assert watch.take() == 0
    (notes / "boat.txt").unlink()
    assert watch.take() == 0
    assert watch.live() == ["boat.wav"]


def plain_save(file: Path, text: str) -> None:
    file.write_text(text)


def atomic_save(file: Path, text: str) -> None:
    aside = file.with_name(f".{file.name}.tmp")
    aside.write_text(text)
    aside.replace(file)


def vim_save(file: Path, text: str) -> None:
    probe = file.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = file.with_name(f"{file.name}~")
    file.rename(backup)
    file.write_text(text)
    backup.unlink()


def emacs_save(file: Path, text: str) -> None:
    file.with_name(f"#{file.name}#").write_text(text)
    file.with_name(f".#{file.name}").symlink_to("ines@host.1:2")
    shutil.copy(file, file.with_name(f"{file.name}~"))
    file.write_text(text)
    file.with_name(f"#{file.name}#").unlink()
    file.with_name(f".#{file.name}").unlink()


@pytest.mark.parametrize("save", [plain_save, atomic_save, vim_save, emacs_save])
def test_every_way_to_save_is_one_event(posts: Watch, writing: Path, save: Callable[[Path, str], None]) -> None:
    """However an editor replaces a file, its new text is one event, and the same text once more is none."""
    file = post(writing / "one.md")
    assert posts.take() == 1
    text = file.read_text().replace("kettle", "stove")
    save(file, text)
    assert posts.take() == 1
    save(file, text)
    assert posts.take() == 0
    assert posts.live() == ["one.md"]
    save(file, text.replace("stove", "kettle"))  # back to what it was
    assert posts.take() == 1
    assert posts.live() == ["one.md"]


def test_a_look_in_the_middle_of_a_save_deletes_nothing(posts: Watch, writing: Path) -> None:
    """Between "the old file goes" and "the new one comes", a scan sees no file; that is no deletion yet."""
    file = post(writing / "one.md")
    posts.take()
    file.rename(writing / "one.md~")
    assert posts.look() == 0
    post(file, WORDS.replace("kettle", "stove"))
    assert posts.look(after=2) == 0
    assert posts.look(after=10) == 1
    assert [e for (e,) in posts.workspace.ledger.read("SELECT kind FROM events")] == ["post", "post"]


def test_a_moved_post_leaves_and_comes(posts: Watch, writing: Path) -> None:
    """A renamed file, and a folder renamed above it: one removal and one arrival each, one live document."""
    post(writing / "a" / "one.md")
    posts.take()
    (writing / "a" / "one.md").rename(writing / "a" / "two.md")
    assert posts.take() == 2
    assert posts.live() == ["two.md"]
    (writing / "a").rename(writing / "b")
    assert posts.take() == 2
    assert posts.live() == ["two.md"]


def test_a_rewrite_within_a_tick_of_the_clock_is_seen(blog: Blog, writing: Path) -> None:
    """A file that changed just before it was taken is read again, though its signature says the same."""
    blog.settings("[notes]\nsettle_seconds = 0\n" + QUIET.replace("[blog]", f'[blog]\nfolders = ["{writing}"]'))
    watch = Watch(blog.workspace())
    file = post(writing / "one.md")
    assert watch.look() == 1
    file.write_text(file.read_text().replace("kettle", "teapot"))
    status = file.stat()
    # What a kernel with a coarse clock would have shown both times.
    now = f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"
    with watch.workspace.ledger.transaction() as tx:
        tx.execute("UPDATE manifest SET signature = ? || substr(signature, instr(signature, '@'))", (now,))
    assert watch.look() == 1
