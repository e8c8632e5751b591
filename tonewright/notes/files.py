"""Which files are voice notes, which names are never anybody's work, and which files are not on this disk."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

AUDIO_SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("m4a", "mp4", "aac", "mp3", "wav", "ogg", "oga", "opus", "flac"),
        *("aif", "aiff", "caf", "webm", "amr", "3gp"),
    )
)

# Names (of files or folders) that editors, sync tools, browsers and systems leave about, with their makers.
# Lower case, because they are compared with the lower-cased name.
IGNORED = (
    ".*",  # hidden: .git, .DS_Store, swap files, resource forks, Syncthing's .stfolder and .syncthing.*
    "*~",  # Emacs, gedit, Kate: backups
    "~*",  # Syncthing on Windows, office programs: temporary files and locks
    "#*#",  # Emacs: autosave
    "4913",  # Vim: a probe whether it may write here
    "*.sw[a-p]",  # Vim: swap files
    "*.bak",
    "*___jb_tmp___",  # JetBrains: safe writes
    "*___jb_old___",
    "*.sb-????????-*",  # macOS: safe saves
    "*.part",  # Firefox, curl, KDE: transfers that have not ended, as all below up to *.!ut
    "*.partial",
    "*.filepart",  # WinSCP
    "*.crdownload",  # Chromium
    "*.download",  # Safari
    "*.tmp",
    "*.temp",
    "*.!sync",  # Resilio
    "*.!ut",
    "*.icloud",  # iCloud before macOS 12.3: a stub for a file elsewhere
    "*.sync-conflict-*",  # Syncthing, Dropbox: second copies of words that the folder holds already
    "*conflicted copy*",
    "@eadir",  # Synology
    "__macosx",
    "icon\r",  # Finder: a folder's picture
    "thumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "lost+found",
)

_SF_DATALESS = 0x40000000  # macOS <sys/stat.h>: the name and size are here, the bytes are in iCloud
_RECALL_ON_DATA_ACCESS = 0x00400000  # Windows FILE_ATTRIBUTE_*: the same for OneDrive and its like


def is_ignored(name: str) -> bool:
    """Whether a file or folder called `name` (one path component) is a by-product that nobody wrote."""
    lowered = name.lower()
    return any(fnmatchcase(lowered, pattern) for pattern in IGNORED)


def is_note(path: Path) -> bool:
    """Whether `path` is named like a recording. The name only: nothing is opened and nothing need exist."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not is_ignored(path.name)


def in_cloud(status: os.stat_result) -> bool:
    """Whether reading this file would first have to download it.

    `status` comes from `os.lstat`, which downloads nothing. Only the two systems' own flags count: zero
    allocated blocks would be the portable sign, but several FUSE file systems report that for every file.
    """
    flags = getattr(status, "st_flags", 0)
    attributes = getattr(status, "st_file_attributes", 0)
    return bool(flags & _SF_DATALESS or attributes & _RECALL_ON_DATA_ACCESS)
