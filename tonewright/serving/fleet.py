"""Which models are loaded: the voice that is champion now, the base, and the one that makes vectors.

A new champion is loaded for the next request; those under way finish on the old one, which then goes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tonewright.models import registry
from tonewright.models.base import find_base
from tonewright.rewriting.choosing import Chosen, choose
from tonewright.serving.runner import Runner
from tonewright.workspace import Workspace

WINDOW = 2048  # tokens of one answer with its prompt, as for `tonewright rewrite`


@dataclass
class Loaded:
    """A model in its process, and how many requests it has."""

    runner: Runner
    users: int = 0


class Fleet:
    """The processes of one server. Safe to use from several threads."""

    def __init__(self, workspace: Workspace, places: int) -> None:
        self._workspace, self._places = workspace, places
        self._base = find_base(workspace.config.model.base)
        self._loaded: dict[tuple[str, ...], Loaded] = {}
        self._guard = threading.Lock()
        self._voice: tuple[object, Chosen] | None = None  # the champion that was chosen, and what that means

    def voice(self) -> Chosen:
        """What writes as the author now."""
        champion = registry.alias(self._workspace.ledger, registry.CHAMPION)
        key = champion and (champion.id, champion.adapter_sha256, champion.stale)
        with self._guard:
            if self._voice is None or self._voice[0] != key:
                chosen = choose(self._workspace, registry.CHAMPION)
                if chosen.note:
                    print(f"tonewright: {chosen.note}", file=sys.stderr)  # noqa: T201 - for who started the server
                self._voice = key, chosen
            return self._voice[1]

    def base(self) -> Chosen:
        """The untrained base, asked as it is."""
        return Chosen(self._base)

    @contextmanager
    def writer(self, chosen: Chosen) -> Iterator[Runner]:
        """The process that writes with `chosen`; it stays for as long as it is in use."""
        adapter = [str(chosen.adapter)] if chosen.adapter else []
        with self._use("write", str(WINDOW), str(self._places), str(chosen.base.gguf), *adapter) as runner:
            yield runner

    @contextmanager
    def embedder(self) -> Iterator[Runner]:
        """The process that makes vectors."""
        with self._use("embed", str(self._base.gguf)) as runner:
            yield runner

    def close(self) -> None:
        """End all of them."""
        with self._guard:
            for loaded in self._loaded.values():
                loaded.runner.close()
            self._loaded.clear()

    @contextmanager
    def _use(self, *words: str) -> Iterator[Runner]:
        with self._guard:
            if words not in self._loaded or not self._loaded[words].runner.alive:
                self._loaded[words] = Loaded(Runner(*words))
            loaded = self._loaded[words]
            loaded.users += 1
        try:
            yield loaded.runner
        finally:
            with self._guard:
                loaded.users -= 1
                over = self._superseded()
            for runner in over:
                runner.close()

    def _superseded(self) -> list[Runner]:
        """Take out the voices that nobody uses and nobody will ask for again."""
        adapter = str(self._voice[1].adapter) if self._voice else ""
        old = [
            words
            for words, loaded in self._loaded.items()
            if not loaded.users and words[0] == "write" and words[4:] not in ((), (adapter,))
        ]
        return [self._loaded.pop(words).runner for words in old]
