"""What the commands that write share: their options, their input, the model, and the memory of what it gave out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tonewright import prompts
from tonewright.cli import show
from tonewright.corpus import drafts, style
from tonewright.corpus.drafts import Draft
from tonewright.errors import BadInput, UsageError
from tonewright.models import registry
from tonewright.models.trial import require_loadable
from tonewright.posts.post import opted_out, parse
from tonewright.rewriting.choosing import choose
from tonewright.rewriting.dial import MOST, Dial
from tonewright.rewriting.prompted import Prompted
from tonewright.rewriting.ranking import Author
from tonewright.rewriting.rewrite import Manner, Voice
from tonewright.workspace import Workspace

STANDARD_INPUT = "standard input"
NO_TONE: Mapping[str, float] = {}


def add_voice_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model writes, and how strongly."""
    parser.add_argument("--model", default=registry.CHAMPION, help="champion, a model's number, or base")
    parser.add_argument(
        "--strength", type=float, default=1.0, metavar="0..1", help="how much of the trained voice (default: 1)"
    )


def add_manner_arguments(parser: argparse.ArgumentParser) -> None:
    """In which tone, and how often it is tried."""
    parser.add_argument("--tone", help="one of your tones, or several with weights: snark=0.7,dry")
    parser.add_argument(
        "--dial",
        type=float,
        default=0.0,
        metavar="0..2",
        help="how far the model is pushed towards --tone, beyond being asked (default: 0, usual: 0.5 to 1)",
    )
    parser.add_argument("--best-of", type=int, default=1, metavar="N", help="write N candidates and take the best")


def manner_of(workspace: Workspace, args: argparse.Namespace) -> Manner:
    """What `--tone` and `--best-of` ask for. Raises `UsageError` or `BadInput`."""
    if args.best_of < 1:
        raise UsageError(f"--best-of is {args.best_of}", "give a number from 1 on")
    author = Author(style.own_texts(workspace.ledger), workspace.config.gate.max_overlap_words)
    tone = prompts.blend(_tones(workspace, args.tone)) if args.tone else None
    return Manner(tone, args.best_of, author, workspace.vocabulary)


def turned(workspace: Workspace, args: argparse.Namespace) -> dict[str, float]:
    """{tone: how far `--dial` turns it}, empty at 0. Raises `UsageError` or `BadInput`."""
    if not 0 <= args.dial <= MOST:
        raise UsageError(f"--dial is {args.dial:g}", f"give a number from 0 to {MOST:g}")
    if not args.dial:
        return {}
    if not args.tone:
        raise UsageError("--dial turns a tone, and none is named", "add --tone")
    return {tone: args.dial * weight for tone, weight in _tones(workspace, args.tone)}


def read_input(file: str) -> tuple[str, str]:
    """(text, name) of a file or of standard input, every byte kept. Raises `UsageError` or `BadInput`."""
    name = STANDARD_INPUT if file == "-" else file
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8"), name
    except UnicodeDecodeError as e:
        raise BadInput(f"{name} is not UTF-8 (byte {e.start})", "save it as UTF-8") from e
    except OSError as e:
        raise UsageError(f"{name} cannot be read ({e.strerror})") from e


def file_of(args: argparse.Namespace, option: str) -> Path:
    """The file that an option of this name changes. Raises `UsageError` for standard input."""
    if args.file == "-":
        raise UsageError(f"{option} needs a file", "give its name instead of -")
    return Path(args.file)


@contextmanager
def open_voice(
    workspace: Workspace, word: str, strength: float = 1.0, turned: Mapping[str, float] = NO_TONE
) -> Iterator[Voice]:
    """The model that `word` names, loaded. Without a champion yet, the prompted base writes, and says so.

    `turned` is {tone: how far the dial is turned}; the vectors for it are made when they are first asked for.
    """
    from tonewright.models.llama import LocalModel

    if not 0 <= strength <= 1:
        raise UsageError(f"--strength is {strength:g}", "give a number from 0 to 1")
    chosen = choose(workspace, word)
    if chosen.note:
        print(f"tonewright: {chosen.note}", file=sys.stderr)
    require_loadable(chosen.base)
    push = Dial(workspace, chosen.base, chosen.adapter).push(turned, show.progress) if turned else {}
    with LocalModel(chosen.base.gguf, chosen.adapter, adapter_scale=strength) as voice:
        if push:
            show.progress("")
            voice.steer(push)
        yield voice if chosen.adapter else Prompted(voice, chosen)


def remember(workspace: Workspace, text: str, name: str, given: Iterable[Draft]) -> None:
    """Keep what was given out for `text`, with its words unless the author keeps that text away from everybody."""
    secret = bool(opted_out(parse(text.encode(), name)))
    drafts.give_out(workspace.ledger, given, keep=not secret)


def known_as(workspace: Workspace, name: str) -> str:
    """The name under which a draft's file is remembered: its path in the blog, else the whole path, "" for none."""
    path = Path(name).absolute()
    if not path.parent.is_dir() or name == STANDARD_INPUT:
        return ""
    return path.relative_to(workspace.root).as_posix() if path.is_relative_to(workspace.root) else str(path)


def _tones(workspace: Workspace, wish: str) -> list[tuple[str, float]]:
    """`snark=0.7,dry` as tones with weights."""
    found = []
    for part in wish.split(","):
        name, equals, weight = part.strip().partition("=")
        tone = workspace.vocabulary.check(name.strip().lower(), "--tone")
        try:
            found.append((tone, float(weight) if equals else 1.0))
        except ValueError as e:
            raise UsageError(f"--tone: {weight!r} is no weight", "write it as snark=0.7") from e
        if not 0 < found[-1][1] <= 1:
            raise UsageError(f"--tone: the weight of {tone} is {weight}", "give a number above 0, and 1 at most")
    return found
