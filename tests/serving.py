"""A blog with `tonewright serve` running for it, and what a client of it needs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gguf
import numpy as np
import openai

from tests.conftest import NO_MODEL, REPOSITORY, children
from tonewright import runs
from tonewright.ledger.store import Ledger
from tonewright.models import registry
from tonewright.models.base import BaseModel, find_base, sha256_of
from tonewright.models.gguf_header import read_header
from tonewright.process import GIT_LOCAL_ENV

TEXT = "The kettle gave up on Tuesday, and Ruth and I drank our tea from a pan."


@dataclass
class Served:
    """A running server: its process, and the state folder of its blog."""

    process: subprocess.Popen[str]
    url: str
    state: Path
    root: Path

    def client(self, key: str = "none") -> openai.OpenAI:
        """The real client; it does not try again."""
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=300)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    @property
    def models(self) -> list[int]:
        """The processes that hold models."""
        return children(self.process.pid)

    def hang_up_after(self, body: dict[str, Any], heard: int) -> None:
        """Send a chat, hear so many bytes of the answer, and leave."""
        data = json.dumps(body).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.address[0]}:{self.address[1]}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        with socket.create_connection(self.address, timeout=300) as line:
            line.sendall(head.encode() + data)
            while heard > 0:
                heard -= len(line.recv(heard))


def chat(text: str, **more: Any) -> dict[str, Any]:
    """The fields of a chat of one message with the base."""
    return {"model": "base", "messages": [{"role": "user", "content": text}], **more}


@contextmanager
def serving(place: Path, settings: str = "", *args: str) -> Iterator[Served]:
    """`tonewright serve` for a new blog in `place`, until the block ends."""
    root, state = place / "blog", place / "state"
    root.mkdir(parents=True)
    (root / "tonewright.toml").write_text(NO_MODEL + settings)
    own = ("TONEWRIGHT_", "OPENAI_")
    env = {k: v for k, v in os.environ.items() if k not in GIT_LOCAL_ENV and not k.startswith(own)}
    env |= {"TONEWRIGHT_STATE": str(state), "TONEWRIGHT_CACHE": str(place / "cache"), "HOME": str(place)}
    env["PYTHONPATH"] = str(REPOSITORY)
    words = [sys.executable, "-m", "tonewright", "serve", "--port", "0", "--json", *args]
    with (place / "stderr").open("w") as complaints:
        process = subprocess.Popen(
            words, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints, text=True
        )
    with process:
        try:
            assert process.stdout is not None
            told = "".join(iter(process.stdout.readline, "}\n"))
            yield Served(process, json.loads(f"{told}}}")["url"], state, root)
        finally:
            process.terminate()
            process.wait(20)


def promote_random(ledger: Ledger, folder: Path, seed: int, base: BaseModel | None = None) -> registry.Model:
    """A champion whose adapter says something else than the base, and something else for each seed."""
    base = base or find_base("smollm2-135m")
    width, layers = (read_header(base.gguf)[f"llama.{key}"] for key in ("embedding_length", "block_count"))
    folder.mkdir()
    writer = gguf.GGUFWriter(folder / registry.ADAPTER_FILE, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 4.0)
    random = np.random.default_rng(seed)
    for side, shape in (("a", (4, width)), ("b", (width, 4))):
        name = f"blk.{2 * layers // 3}.attn_output.weight.lora_{side}"
        writer.add_tensor(name, random.normal(0, 3, shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    name = f"run-{seed}"
    with ledger.transaction() as tx:
        tx.execute("INSERT INTO snapshots VALUES (?, '', ?)", (name, tx.now))
        event = tx.execute(
            "INSERT INTO events(key, kind, source, payload, created, updated) "
            "VALUES (?, 'test', '', '{}', 0, 0) RETURNING id",
            (name,),
        ).fetchone()[0]
        runs.add(tx, runs.Run(name, name, event, "local", "r", base.sha256, runs.FINISHED, {}, tx.now, tx.now))
        sha256 = sha256_of(folder / registry.ADAPTER_FILE)
        registry.promote(tx, registry.add(tx, name, folder, sha256, "promoted", {"reasons": []}))
    found = registry.alias(ledger, registry.CHAMPION)
    assert found is not None
    return found
