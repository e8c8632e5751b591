"""What `rewrite` and `summarise` share: reading the input, and opening the model that writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tonewright.corpus.lineage import stale
from tonewright.errors import BadInput, UsageError
from tonewright.models import registry
from tonewright.models.base import find_base
from tonewright.models.trial import require_loadable
from tonewright.workspace import Workspace

if TYPE_CHECKING:
    from tonewright.models.llama import LocalModel

BASE = "base"


def read_input(file: str) -> tuple[str, str]:
    """(text, name) of a file or of standard input. Raises `UsageError` or `BadInput`."""
    if file == "-":
        return sys.stdin.read(), "standard input"
    path = Path(file)
    try:
        return path.read_bytes().decode("utf-8"), file
    except UnicodeDecodeError as e:
        raise BadInput(f"{file} is not UTF-8 (byte {e.start})", "save it as UTF-8") from e
    except OSError as e:
        raise UsageError(f"{file} cannot be read ({e.strerror})") from e


@contextmanager
def open_voice(workspace: Workspace, word: str) -> Iterator[LocalModel]:
    """The model that `word` names, loaded. Without a champion yet, the untrained base writes, and says so."""
    from tonewright.models.llama import LocalModel

    base = find_base(workspace.config.model.base)
    adapter = None
    if word != BASE:
        champion = registry.alias(workspace.ledger, registry.CHAMPION)
        if word == registry.CHAMPION and champion is None:
            print("tonewright: no model has been promoted yet; the untrained base writes", file=sys.stderr)
        else:
            model = champion if word == registry.CHAMPION else registry.find(workspace.ledger, word)
            assert model is not None
            adapter = model.adapter
            if why := stale(workspace, model):
                print(f"tonewright: model {model.id} is stale: {why}", file=sys.stderr)
            if model.base != base.sha256:
                raise UsageError(
                    f"model {model.id} was trained on another base than model.base names",
                    "set model.base to that one, or retrain",
                )
    require_loadable(base)
    with LocalModel(base.gguf, adapter) as voice:
        yield voice
