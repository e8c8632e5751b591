"""Which files are voice notes, which names are never anybody's work, and which files are not on this disk."""

from __future__ import annotations

import os
import re
from fnmatch import translate
from pathlib import Path

AUDIO_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("m4a", "mp4", "aac", "mp3", "wav", "ogg", "oga", "opus", "flac"),
        *("aif", "aiff", "caf", "webm", "amr", "3gp"),
    )
)

# Names (of files or folders) that editors, sync tools, browsers, phones and systems leave about, with their makers.
# Lower case, because they are compared with the lower-cased name.
IGNORED = (
    # Hidden: .git, swap files, resource forks (._*), Syncthing (.stfolder, .stversions, .syncthing.*), Dropbox's
    # cache, Nextcloud (._sync_*.db), rsync (.name.XXXXXX), Android (.pending-*, .trashed-*, .nomedia), LibreOffice.
    ".*",
    "*~",  # Emacs, gedit, Kate: backups
    "~*",  # Syncthing on Windows, office programs: temporary files and locks
    "#*#",  # Emacs: autosave
    "4913",  # Vim: a probe whether it may write here
    "*.sw[a-p]",  # Vim: swap files
    "*.bak",
    "*___jb_tmp___",  # JetBrains: safe writes
    "*___jb_old___",
    "*.sb-????????-*",  # macOS: safe saves, as the next one
    "(a document being saved by *",
    "*.part",  # Firefox, curl, KDE, Nextcloud: transfers that have not ended, as all below up to *.!ut
    "*.partial",
    "*.filepart",  # WinSCP
    "*.crdownload",  # Chromium
    "*.opdownload",  # Opera
    "*.download",  # Safari
    "*.tmp",
    "*.temp",
    "*.!sync",  # Resilio
    "*.!ut",
    "*.waveform",  # Voice Memos: pictures of the sound, and the pieces of an edited recording
    "*.composition",
    "*.sync-conflict-*",  # Syncthing, Dropbox, Nextcloud, Seafile: second copies of what the folder holds already
    "*conflicted copy*",
    "*(sfconflict *",
    "@eadir",  # Synology, as the next one
    "#recycle",
    "@recycle",  # QNAP
    "__macosx",
    "icon\r",  # Finder: a folder's picture
    "thumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "lost.dir",  # Android: what a card check found
)
_IGNORED = re.compile("|".join(translate(pattern) for pattern in IGNORED))  # one match a name, however many patterns

# What stands in the place of a file that a cloud has not downloaded, and where its own name is in that name.
_STUBS = (
    re.compile(r"\.(.+)\.icloud"),  # iCloud before macOS 12.3
    re.compile(r"(.+)\.(?:nextcloud|owncloud)"),  # virtual files
)

_SF_DATALESS = 0x40000000  # macOS <sys/stat.h>: the name and size are here, the bytes are in iCloud
_RECALL_ON_DATA_ACCESS = 0x00400000  # Windows FILE_ATTRIBUTE_*: the same for OneDrive and its like
_INLINE_BYTES = 4096  # a smaller file may live in its inode and then has no blocks


def is_ignored(name: str) -> bool:
    """Whether a file or folder called `name` (one path component) is a by-product that nobody wrote."""
    return _IGNORED.match(name.lower()) is not None


def is_audio(name: str) -> bool:
    """Whether `name` ends like a recording."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122 - one of 20,000 names a scan


def is_note(path: Path) -> bool:
    """Whether `path` is named like a recording. The name only: nothing is opened and nothing need exist."""
    return is_audio(path.name) and not is_ignored(path.name)


def stands_for(name: str) -> str | None:
    """The file that a cloud's stub called `name` stands for; None when it is no stub."""
    return next((match[1] for stub in _STUBS if (match := stub.fullmatch(name))), None)


def in_cloud(status: os.stat_result, *, blocks_tell: bool = False) -> bool:
    """Whether reading this file would first have to download it.

    `status` comes from `os.lstat`, which downloads nothing. macOS and Windows have a flag for it. Elsewhere the
    sign is a size without a single block, which is believed only where `blocks_tell`: several FUSE and network
    file systems report no blocks for any file.
    """
    flags = getattr(status, "st_flags", 0)
    attributes = getattr(status, "st_file_attributes", 0)
    if flags & _SF_DATALESS or attributes & _RECALL_ON_DATA_ACCESS:
        return True
    return blocks_tell and status.st_size >= _INLINE_BYTES and getattr(status, "st_blocks", 1) == 0
