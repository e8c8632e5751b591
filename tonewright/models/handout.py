"""What is handed out to other programs: a folder that is whole or absent, with lineage, card and checksums."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tonewright import __version__, prompts
from tonewright.corpus.forget import without_words
from tonewright.errors import Refused, UsageError
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.gguf_header import read_header
from tonewright.models.registry import Model

LINEAGE, CARD, SUMS = "lineage.json", "README.md", "SHA256SUMS"


@contextmanager
def handed_out(folder: Path) -> Iterator[Path]:
    """A folder aside that takes the place of `folder`, checksums added, when the block ends without an error.

    Raises `UsageError` when `folder` holds something else.
    """
    if folder.exists() and not (folder / LINEAGE).is_file():
        raise UsageError(f"{folder} is there and holds something else", "give another --output")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        names = sorted(p.relative_to(aside).as_posix() for p in aside.rglob("*") if p.is_file())
        sums = "".join(f"{sha256_of(aside / name)}  {name}\n" for name in names)
        (aside / SUMS).write_text(sums, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def require_base(model: Model, base: BaseModel) -> None:
    """Raise `Refused` when `model` was trained on another base."""
    trained_on = read_header(model.adapter).get("tonewright.base.sha256")
    if trained_on != base.sha256:
        raise Refused(
            f"model {model.id} was trained on a base with SHA-256 {str(trained_on)[:12]}…, {base.gguf} is another",
            "set model.base to the one that it was trained on",
        )


def write_lineage(folder: Path, base: BaseModel, model: Model, more: dict[str, Any]) -> None:
    """Where `model` comes from, with `more` of the same (recipe, hashes of data and code, what was written)."""
    lineage = {
        "made_by": f"tonewright {__version__}",
        "run": model.run,
        "adapter": {"sha256": model.adapter_sha256},
        "base": {"name": base.name, "sha256": base.sha256, "licence": base.licence},
        "verdict": model.verdict,
        **more,
    }
    (folder / LINEAGE).write_text(json.dumps(lineage, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def how_to_ask() -> str:
    """For a card: the wording that the model was trained with."""
    asked = prompts.rewrite("(the text)", "dry")[1]["content"].split("\n")[0]
    return f"""System: `{prompts.SYSTEM}` User: `{asked}`, an empty line, then the text; or without `, in a dry tone`.
It was trained to rewrite and to summarise, not to chat."""


def gate_said(model: Model) -> str:
    """For a card: the gate's reasons as a list, without words of the author's texts."""
    return "\n".join(f"- {reason}" for reason in without_words(model.report)["reasons"])


def terms(base: BaseModel) -> str:
    """For a card: under which terms, and how the files are checked."""
    licence = base.licence or "terms that its file does not name"
    return f"""The base is under `{licence}`. The author's text shaped the rest: nobody may
use this model to pass as the author. `{LINEAGE}` names data, recipe, base and code by their hashes;
`sha256sum -c {SUMS}` checks the files."""
