"""Recordings are told from everything else by name alone."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tonewright.notes.files import AUDIO_SUFFIXES, in_cloud, is_ignored, is_note, stands_for


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_phone_formats_are_notes_in_any_case(suffix: str) -> None:
    """Every audio suffix counts, in capitals as well."""
    assert is_note(Path(f"walk{suffix}"))
    assert is_note(Path(f"New Recording 12{suffix.upper()}"))


@pytest.mark.parametrize("name", ["walk.txt", "walk", "walk.m4a.txt", "m4a", "post.md", "cover.jpg"])
def test_other_files_are_not_notes(name: str) -> None:
    """A transcript, a post or a picture is not a recording."""
    assert not is_note(Path(name))


@pytest.mark.parametrize(
    "name",
    [
        *(".note.md.swp", "note.md~", "#note.md#", ".#note.md", "4913", "note.md.swo", "note.m4a.bak"),
        *("note.md___jb_tmp___", "note.md___jb_old___", "note.md.sb-1f2e3d4c-AbCdEf", "~$letter.doc"),
        *("note.m4a.part", "note.m4a.crdownload", "note.m4a.download", "note.tmp", "note.m4a.filepart"),
        *("note.m4a.partial", "note.m4a.!sync", ".note.m4a.icloud", ".syncthing.note.m4a.tmp"),
        *("~syncthing~note.m4a.tmp", "note.sync-conflict-20261018-180500-ABCDEFG.m4a", ".stfolder"),
        *("note (Ines's conflicted copy 2026-10-18).m4a", "@eaDir", "._note.m4a", ".DS_Store", "Thumbs.db"),
        *(".~lock.note.odt#", "~syncthing~note.md.tmp", ".stversions", ".dropbox.cache", "._sync_1f2e3d.db"),
        *(".sync_1f2e3d.db-wal", "note.md.part", ".note.m4a.Xa31Bc", ".rsync-partial", "note.m4a.!ut", ".stignore"),
        *("note (SFConflict ines@example.org 2026-10-18-18-05-00).md", "~WRL0001.tmp", "note.m4a.opdownload"),
        *("note (conflicted copy 2026-10-18 180500).m4a", ".pending-1760810700-note.m4a", ".nomedia"),
        *(".trashed-1760810700-note.m4a", "20261018 180500.waveform", "20261018 180500.composition", "LOST.DIR"),
        *(".thumbnails", "(A Document Being Saved By TextEdit)", "System Volume Information", "#recycle", "@Recycle"),
        *(".kate-swp", "note.md.kate-swp~", ".nfs0000000001", ".fuse_hidden0000000100000001", ".Trash-1000"),
        *("desktop.ini", "Icon\r", "__MACOSX", ".git", "$RECYCLE.BIN", "lost+found", ".goutputstream-8QZ1T2"),
    ],
)
def test_by_products_of_other_programs_are_ignored(name: str) -> None:
    """What editors, sync tools, browsers and systems leave about is nobody's note or post."""
    assert is_ignored(name)
    assert not is_note(Path(name))


@pytest.mark.parametrize(
    "name",
    ["2026-10-18-down-in-the-fog.md", "New Recording 12.m4a", "notes", "_posts", "part-two.md", "4913.m4a"],
)
def test_ordinary_names_are_kept(name: str) -> None:
    """The list of by-products takes nothing that an author would call a file."""
    assert not is_ignored(name)


def test_a_file_on_this_disk_is_not_in_the_cloud(tmp_path: Path) -> None:
    """An ordinary file is not; a size without a single block counts only where the file system counts blocks."""
    path = tmp_path / "note.m4a"
    path.write_bytes(b"sound")
    assert not in_cloud(path.lstat())
    with (tmp_path / "sparse.m4a").open("wb") as file:
        file.truncate(1 << 20)
    assert not in_cloud(os.lstat(tmp_path / "sparse.m4a"))
    assert in_cloud(os.lstat(tmp_path / "sparse.m4a"), blocks_tell=True)


@pytest.mark.parametrize(
    ("stub", "name"),
    [(".note.m4a.icloud", "note.m4a"), ("note.m4a.nextcloud", "note.m4a"), ("post.md.owncloud", "post.md")],
)
def test_a_stub_names_the_file_that_it_stands_for(stub: str, name: str) -> None:
    """What iCloud and Nextcloud leave in the place of a file tells which file that is."""
    assert stands_for(stub) == name
    assert stands_for(name) is None


@pytest.mark.parametrize("flags", [{"st_flags": 0x40000000 | 0x20}, {"st_file_attributes": 0x00400000 | 0x20}])
def test_a_placeholder_is_recognised_without_opening_it(flags: dict[str, int]) -> None:
    """The systems' own marks for "not downloaded" count, among other marks."""
    assert in_cloud(SimpleNamespace(st_size=90_000, **flags))  # type: ignore[arg-type]
