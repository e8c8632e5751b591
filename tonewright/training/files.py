"""Files that are whole or absent: written aside, synced, renamed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` such that a reader sees the old file or the new one, never a part."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    aside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """`value` as indented JSON at `path`, whole or absent."""
    write_whole(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
