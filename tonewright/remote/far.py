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
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, run
from typing import IO, Any

CHUNK = 1 << 18
TORCH = """
import json, torch
told = {"torch": str(torch.__version__), "gpu": None, "gpu_free_bytes": 0, "bfloat16": False}
if torch.cuda.is_available():
    told["gpu"] = torch.cuda.get_device_name(0)
    told["bfloat16"] = torch.cuda.is_bf16_supported(including_emulation=False)
    told["gpu_free_bytes"] = torch.cuda.mem_get_info()[0]
print(json.dumps(told))
"""


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
    offset = size_of(part)
    offset = offset if offset <= size else 0
    print(json.dumps({"offset": offset}), flush=True)  # noqa: T201 -- the other side waits for this line
    with open_part(part, offset) as file:
        while chunk := stream.read(CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    answer = settle(path, part, sha256)
    if "error" in answer and size_of(part) >= size:
        part.unlink(missing_ok=True)
    return answer


def open_part(part: Path, offset: int) -> IO[bytes]:
    """`part` for writing from `offset` on, with whatever it holds left as it is."""
    file = os.fdopen(os.open(str(part), os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    file.seek(offset)
    return file


def settle(path: Path, part: Path, sha256: str) -> dict[str, Any]:
    """Rename a complete `part` to `path`; otherwise say what is wrong with it under `error`.

    Another sender of the same bytes may be faster at any moment: then they are there, whatever has become of `part`.
    """
    with suppress(FileNotFoundError):
        if sha256_of(part) == sha256:
            part.replace(path)
            return {"sha256": sha256}
    if path.is_file() and sha256_of(path) == sha256:
        part.unlink(missing_ok=True)
        return {"sha256": sha256}
    return {"error": f"{part.name} holds {size_of(part)} bytes, which are not the right ones"}


def size_of(path: Path) -> int:
    """The bytes of a file, 0 where there is none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def send(path: Path, offset: int, out: IO[bytes]) -> None:
    """Write the bytes of `path` from `offset` on to `out`."""
    with path.open("rb") as file:
        file.seek(offset)
        shutil.copyfileobj(file, out, CHUNK)
    out.flush()


def trainer(root: Path) -> str:
    """The Python that trains: of the environment that `tonewright host provision` made, else this one."""
    made = root / "venv" / "bin" / "python"
    return str(made) if (root / "venv" / "ready.json").is_file() else sys.executable


def ask(words: list[str]) -> str:
    """What a command prints, or nothing where it cannot be had."""
    try:
        return run(words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, check=False).stdout.decode("utf-8", "replace")
    except OSError:
        return ""


def available() -> int:
    """Bytes of memory that a new program can have; all there are where the system does not tell (macOS)."""
    told = Path("/proc/meminfo")
    lines = told.read_text(encoding="ascii").splitlines() if told.is_file() else []
    found = [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def gpus() -> list[dict[str, Any]]:
    """What the NVIDIA driver shows: name, total and free memory in bytes of each GPU."""
    found = []
    asked = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    lines = [line for line in ask(asked).splitlines() if line.count(",") >= 2]  # else it says why it cannot tell
    for line in lines:
        name, total, free = [word.strip() for word in line.rsplit(",", 2)]
        size = {"bytes": int(total) << 20, "free_bytes": int(free) << 20} if total.isdigit() and free.isdigit() else {}
        found.append({"name": name, **size})
    return found


def probe(root: Path) -> dict[str, Any]:
    """What this machine offers a training run: Python, disk, memory, GPUs, PyTorch, and which boot this is."""
    try:
        seen = json.loads(ask([trainer(root), "-c", TORCH]).splitlines()[-1])
    except (IndexError, ValueError):
        seen = {"torch": None, "gpu": None, "gpu_free_bytes": 0, "bfloat16": False}
    standing = next(p for p in [root.absolute(), *root.absolute().parents] if p.is_dir())
    boot, ready = Path("/proc/sys/kernel/random/boot_id"), root / "venv" / "ready.json"
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "free_bytes": shutil.disk_usage(str(standing)).free,
        "ram_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "ram_free_bytes": available(),
        "cores": os.cpu_count() or 1,
        "gpus": gpus(),
        **seen,
        "ready": json.loads(ready.read_text(encoding="utf-8"))["wanted"] if ready.is_file() else "",
        "ensurepip": find_spec("ensurepip") is not None,
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
