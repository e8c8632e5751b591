"""What we ask of a machine before anything of ours is on it: what is there, and files in and out.

The text of this file travels in each command (`python -c`), so it needs nothing but Python 3.8 and the
standard library, and works where SFTP is switched off. It holds no backslash and no tab: every shell hands it
on as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import IO, Any

CHUNK = 1 << 18


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def make_private(folder: Path) -> None:
    """Make `folder` and what is missing above it, for this user only: the author's words live there."""
    for part in [*reversed(folder.parents), folder]:
        if not part.is_dir():
            part.mkdir(mode=0o700, exist_ok=True)


def holds(path: Path, size: int, sha256: str) -> bool:
    """Whether `path` is there with these bytes."""
    return path.is_file() and path.stat().st_size == size and sha256_of(path) == sha256


def take(stream: IO[bytes], path: Path, part: Path, size: int, sha256: str) -> dict[str, Any]:
    """Say how many bytes are here already (`offset`), read the rest from `stream`, and put them at `path`.

    They are gathered in `part`, which is renamed once the whole has the hash `sha256`. A stream that ends
    early leaves `part` for the next try; `size` bytes that are wrong make it start afresh. Nothing is ever
    cut off or appended to, and the name of `part` holds the hash, so that two senders write the same bytes
    to the same places.
    """
    if holds(path, size, sha256):
        return {"offset": size, "sha256": sha256}
    make_private(path.parent)
    offset = part.stat().st_size if part.is_file() else 0
    offset = offset if offset <= size else 0
    print(json.dumps({"offset": offset}), flush=True)  # noqa: T201 -- the other side waits for this line
    with open_part(part, offset) as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    answer = settle(path, part, sha256)
    if "error" in answer and part.stat().st_size >= size:
        part.unlink()
    return answer


def open_part(part: Path, offset: int) -> IO[bytes]:
    """`part` for writing from `offset` on, with whatever it holds left as it is."""
    file = os.fdopen(os.open(str(part), os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    file.seek(offset)
    return file


def settle(path: Path, part: Path, sha256: str) -> dict[str, Any]:
    """Rename a complete `part` to `path`; otherwise say what is wrong with it under `error`."""
    if sha256_of(part) == sha256:
        part.replace(path)
        return {"sha256": sha256}
    return {"error": f"{part.name} holds {part.stat().st_size} bytes, which are not the right ones"}


def send(path: Path, offset: int, out: IO[bytes]) -> None:
    """Write the bytes of `path` from `offset` on to `out`."""
    with path.open("rb") as file:
        file.seek(offset)
        shutil.copyfileobj(file, out, CHUNK)
    out.flush()


def probe(root: Path) -> dict[str, Any]:
    """What this machine offers a training run: Python, disk, PyTorch, GPU, and which boot this is."""
    torch_version, gpu = None, None
    try:
        import torch

        torch_version = str(torch.__version__)
        gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    except ImportError:
        pass
    standing = next(p for p in [root.absolute(), *root.absolute().parents] if p.is_dir())
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "free_bytes": shutil.disk_usage(str(standing)).free,
        "torch": torch_version,
        "gpu": gpu,
        "boot": boot.read_text(encoding="ascii").strip() if boot.is_file() else "",
    }


def main(words: list[str]) -> None:
    """One request per call; the last line of the answer is a JSON object (for `send`: a file's bytes)."""
    what, path = words[0], Path(words[1])
    if what == "send":
        send(path, int(words[2]), sys.stdout.buffer)
        return
    try:
        if what == "take":
            answer = take(sys.stdin.buffer, path, Path(words[2]), int(words[3]), words[4])
        else:
            answer = probe(path)
    except OSError as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
