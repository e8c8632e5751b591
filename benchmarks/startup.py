"""How long commands take to start, beside `python -c pass` and `pre-commit --version`: one table of medians."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
BIN = Path(sys.executable).parent


def seconds(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """Wall time of one run."""
    begun = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> int:
    """Interleave the commands, so that whatever else the machine does hits all of them alike."""
    with tempfile.TemporaryDirectory() as folder:
        blog = Path(folder) / "blog"
        blog.mkdir()
        env = {**os.environ, "TONEWRIGHT_STATE": f"{folder}/state"}
        subprocess.run(["git", "init", "-q"], cwd=blog, check=True)
        subprocess.run([BIN / "tonewright", "init"], cwd=blog, env=env, check=True, stdout=subprocess.DEVNULL)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "tonewright --version": [str(BIN / "tonewright"), "--version"],
            "tonewright status": [str(BIN / "tonewright"), "status"],
            "pre-commit --version": [str(BIN / "pre-commit"), "--version"],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                taken[name].append(seconds(command, blog, env))
    base = statistics.median(taken["python -c pass"])
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds, medians")
    for name, times in taken.items():
        middle = statistics.median(times)
        print(f"  {name:<22}{middle * 1000:7.1f} ms  {middle / base:5.1f} x")
    ratio = statistics.median(taken["tonewright status"]) / base
    print(f"tonewright status: {ratio:.1f} x python -c pass (promised: at most 8 x)")
    return 0 if ratio <= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
