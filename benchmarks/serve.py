"""`tonewright serve` beside llama-cpp-python called directly and its own server: the same model, the same prompts.

Tokens per second of one answer, milliseconds to the first token of a new prompt, and of one whose beginning was read
before, for one client and for several who take turns. Interleaved, medians, as ratios. The peer's server needs the
packages of `llama-cpp-python[server]`; name a folder with them: `python benchmarks/serve.py FOLDER`.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # for all three alike: spinning threads slow everybody down on a busy machine

from llama_cpp import Llama

from tests.serving import serving
from tonewright.models.base import SMOLLM2, find_base

ROUNDS, TOKENS, CLIENTS = 3, 32, 3
SPEED, AGAIN = 0.95, 3.0  # promised: of the direct call's tokens per second; times sooner with a beginning that repeats
DIRECT, PEER, OURS = "llama-cpp-python, direct", "llama_cpp.server", "tonewright serve"

Ask = Callable[[str, int], Iterator[object]]  # (prompt, most tokens): something for each piece of the answer


def direct(gguf: Path) -> Ask:
    """The library in this process."""
    llama = Llama(str(gguf), n_ctx=2048, verbose=False, n_threads=os.cpu_count(), n_threads_batch=os.cpu_count())

    def ask(prompt: str, most: int) -> Iterator[object]:
        yield from llama.create_completion(prompt, max_tokens=most, temperature=0, stream=True)

    return ask


def over_http(url: str, model: str) -> Ask:
    """A server, by way of the standard library."""

    def ask(prompt: str, most: int) -> Iterator[object]:
        body = {"model": model, "prompt": prompt, "max_tokens": most, "temperature": 0, "stream": True}
        request = Request(f"{url}/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=300) as answer:
            for line in answer:
                if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0].get("text"):
                    yield line

    return ask


@contextmanager
def peer(gguf: Path, packages: str) -> Iterator[Ask]:
    """llama-cpp-python's own server, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "llama_cpp.server", "--model", str(gguf), "--port", str(port), "--n_ctx", "2048"]
    words += ["--n_threads", str(os.cpu_count()), "--n_threads_batch", str(os.cpu_count()), "--verbose", "false"]
    env = {**os.environ, "PYTHONPATH": packages}
    quiet: Any = subprocess.DEVNULL
    with subprocess.Popen(words, env=env, stdout=quiet, stderr=quiet) as process:
        try:
            while process.poll() is None:
                with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5):
                    break
                time.sleep(0.2)
            yield over_http(f"http://127.0.0.1:{port}/v1", str(gguf))
        finally:
            process.terminate()


def timed(ask: Ask, prompt: str, most: int) -> tuple[float, float]:
    """(seconds to the first piece, pieces per second after it)."""
    begun, marks = time.perf_counter(), []
    for _ in ask(prompt, most):
        marks.append(time.perf_counter())
    spread = marks[-1] - marks[0]
    return marks[0] - begun, (len(marks) - 1) / spread if spread else 0.0


def beginning(name: str) -> str:
    """Some 250 tokens that begin with `name`."""
    return f"Notes of {name}. " + "The meeting began late, and nobody had read the papers that were sent round. " * 15


def main() -> int:
    """Exit code 1 when less is kept than was promised."""
    gguf = find_base(SMOLLM2).gguf
    packages = sys.argv[1] if len(sys.argv) > 1 else ""
    rows: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as place, serving(Path(place) / "ours") as ours, peer(gguf, packages) as theirs:
        asks = {DIRECT: direct(gguf), PEER: theirs, OURS: over_http(ours.url, "base")}
        for name, ask in list(asks.items()):
            rows[name] = {"speed": [], "new": [], "again": [], "turns": []}
            try:
                timed(ask, "Once upon a time", 4)
            except (OSError, IndexError):
                print(f"{name} does not answer, and is left out: give a folder with its packages")
                del asks[name], rows[name]
        for number in range(ROUNDS):
            for name, ask in asks.items():
                measure(ask, number, rows[name])
    return report(rows)


def measure(ask: Ask, number: int, row: dict[str, list[float]]) -> None:
    """One round of one system, with prompts that it never saw."""
    first, speed = timed(ask, beginning(f"round {number}"), TOKENS)
    row["new"].append(first)
    row["speed"].append(speed)
    row["again"].append(timed(ask, beginning(f"round {number}") + "Then", 1)[0])
    for turn in range(2):
        for client in range(CLIENTS):
            seconds = timed(ask, beginning(f"client {client} in {number}") + f"Point {turn}:", 1)[0]
            if turn:
                row["turns"].append(seconds)


def report(rows: dict[str, dict[str, list[float]]]) -> int:
    """Print the table and what was promised."""
    found = {name: {key: statistics.median(values) for key, values in row.items()} for name, row in rows.items()}
    base = found[DIRECT]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {SMOLLM2}, {ROUNDS} rounds, medians; x: times the direct call's"
    )
    print(f"  {'':<26}{'tokens/s':>16}{'first, new':>20}{'beginning known':>20}{f'{CLIENTS} in turn':>20}")
    for name, row in found.items():
        cells = [f"{row['speed']:.1f} ({row['speed'] / base['speed']:.2f} x)".rjust(16)]
        cells += [f"{row[k] * 1000:.0f} ms ({row[k] / base[k]:.2f} x)".rjust(20) for k in ("new", "again", "turns")]
        print(f"  {name:<26}{''.join(cells)}")
    ours = found[OURS]
    speed = statistics.median(a / b for a, b in zip(rows[OURS]["speed"], rows[DIRECT]["speed"]))
    again, turns = ours["new"] / ours["again"], ours["new"] / ours["turns"]
    print(f"speed, round by round: {speed:.2f} x the direct call's (promised: {SPEED})")
    print(f"sooner with a known beginning: {again:.1f} x; {CLIENTS} in turn: {turns:.1f} x (promised: {AGAIN:.0f} x)")
    return 0 if speed >= SPEED and min(again, turns) >= AGAIN else 1


if __name__ == "__main__":
    sys.exit(main())
