"""A stand-in for the trainer: packed as `tonewright/training/__main__.py` and run by the real supervisor.

It does what a trainer does as far as a host can see: resumes from its progress, writes files, manifest last.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def write(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def main() -> None:
    job = Path(sys.argv[1])
    spec = json.loads((job / "spec.json").read_text(encoding="utf-8"))
    with (job / "starts").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    if spec.get("helper"):
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        write(job / "helper", str(helper.pid))
    if spec.get("fail"):
        sys.exit("the loss is not a number")
    progress = job / "progress.json"
    step = json.loads(progress.read_text(encoding="utf-8"))["step"] if progress.exists() else 0
    while step < spec["steps"]:
        time.sleep(spec["pause"])
        step += 1
        write(progress, json.dumps({"step": step, "steps": spec["steps"]}))
        print("step", step)
        if spec.get("die"):
            os.kill(os.getpid(), signal.SIGKILL)
    out = job / "out"
    (out / "report").mkdir(parents=True, exist_ok=True)
    made = {
        "adapter.gguf": (job / "blobs" / "base.gguf").read_bytes()[::-1],
        "report/rows.txt": (job / "train.jsonl").read_bytes(),
    }
    files = {}
    for name, data in made.items():
        (out / name).write_bytes(data)
        files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    write(out / "manifest.json", json.dumps({"files": files}))


main()
