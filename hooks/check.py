"""`tonewright-check`: the pre-commit hook that finds what tonewright would stumble over, with file and line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tonewright.config.schema import Tones
from tonewright.errors import TonewrightError, UsageError
from tonewright.posts.passages import split_passages
from tonewright.posts.post import is_post, parse
from tonewright.tones.vocabulary import Vocabulary
from tonewright.workspace import open_workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Check the files that pre-commit names; exit code 1 when one of them has a fault."""
    files = sys.argv[1:] if argv is None else argv
    try:
        vocabulary = open_workspace().vocabulary
    except UsageError:  # a blog that has the hook and no tonewright.toml yet
        vocabulary = Vocabulary(Tones().names)
    except TonewrightError as e:
        print(f"tonewright-check: {e}", file=sys.stderr)  # noqa: T201 - this is a command
        return e.exit_code
    faults = [fault for file in files if is_post(file) for fault in check(Path(file), vocabulary)]
    for fault in faults:
        print(fault)  # noqa: T201 - this is a command
    return 1 if faults else 0


def check(file: Path, vocabulary: Vocabulary) -> list[str]:
    """The first fault of a post as a sentence, or nothing."""
    try:
        split_passages(parse(file.read_bytes(), str(file)), vocabulary)
    except TonewrightError as e:
        return [str(e)]
    except OSError as e:
        return [f"{file} cannot be read ({e.strerror})"]
    return []
