"""What hooks add to `git commit`: none, ours, and one that runs `true` under prek, pre-commit and lefthook."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 40
BIN = Path(sys.executable).parent
PROMISE = 1.5

FRAMEWORK = """\
repos:
- repo: local
  hooks:
  - {id: nothing, name: nothing, entry: "true", language: system, always_run: true, stages: [post-commit]}
"""
LEFTHOOK = 'post-commit:\n  commands:\n    nothing:\n      run: "true"\n'
# name: (program that has to be there or "", settings file, its text, what installs the hook)
KINDS = {
    "bare": ("", "", "", []),
    "tonewright": (sys.executable, "", "", ["-m", "tonewright", "init"]),
    "prek": ("prek", ".pre-commit-config.yaml", FRAMEWORK, ["install", "-t", "post-commit"]),
    "pre-commit": ("pre-commit", ".pre-commit-config.yaml", FRAMEWORK, ["install", "-t", "post-commit"]),
    "lefthook": ("lefthook", "lefthook.yml", LEFTHOOK, ["install"]),
}


def prepare(name: str, place: Path, env: dict[str, str]) -> Path | None:
    """A repository with the hooks of one kind; None where their program is missing."""
    program, file, text, words = KINDS[name]
    found = shutil.which(program, path=env["PATH"]) if program else ""
    if found is None:
        return None
    root = place / name
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, env=env, check=True)
    if file:
        (root / file).write_text(text, encoding="utf-8")
        subprocess.run(["git", "add", file], cwd=root, env=env, check=True)
    if found:
        subprocess.run([found, *words], cwd=root, env=env, check=True, capture_output=True)
    subprocess.run(
        ["git", "commit", "-q", "--allow-empty", "-m", "first"], cwd=root, env=env, check=True, capture_output=True
    )
    return root


def seconds(root: Path, env: dict[str, str]) -> float:
    """Wall time of one commit."""
    begun = time.perf_counter()
    subprocess.run(
        ["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=root, env=env, check=True, capture_output=True
    )
    return time.perf_counter() - begun


def main() -> int:
    """Interleave the kinds, so that whatever else the machine does hits all of them alike."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "home").mkdir()
        (place / "home/.gitconfig").write_text("[user]\nname = x\nemail = x@example.org\n", encoding="utf-8")
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        env |= {
            "HOME": str(place / "home"),
            "PATH": f"{BIN}{os.pathsep}{env['PATH']}",
            "TONEWRIGHT_STATE": str(place / "state"),
        }
        roots = {name: prepare(name, place, env) for name in KINDS}
        taken: dict[str, list[float]] = {name: [] for name, root in roots.items() if root}
        for _ in range(ROUNDS):
            for name, times in taken.items():
                times.append(seconds(roots[name] or place, env))
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {git}, {ROUNDS} rounds, medians of one commit")
    bare = statistics.median(taken["bare"])
    for name in KINDS:
        if name in taken:
            middle = statistics.median(taken[name])
            print(f"  {name:<12}{middle * 1000:7.1f} ms  {middle / bare:5.2f} x")
        else:
            print(f"  {name:<12}not installed")
    ratio = statistics.median(taken["tonewright"]) / bare
    print(f"tonewright's hooks: {ratio:.2f} x a bare commit (promised: at most {PROMISE} x)")
    return 0 if ratio <= PROMISE else 1


if __name__ == "__main__":
    sys.exit(main())
