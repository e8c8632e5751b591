"""`tonewright fetch`: download a model, once and on request; nothing else here ever downloads one."""

from __future__ import annotations

import argparse

from tonewright.cli import show
from tonewright.config.schema import Notes
from tonewright.notes import whisper


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    models = parser.add_subparsers(dest="what", required=True, metavar="whisper")
    heard = models.add_parser("whisper", help="what hears the words of voice notes on this machine")
    heard.add_argument(
        "name", nargs="?", default=Notes().whisper_model, help="tiny.en, base, small.en (default), small, turbo, ..."
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 2 for an unknown name, 75 when it cannot be downloaded now, 78 without the `asr` extra."""
    folder = whisper.fetch(args.name, lambda size: show.progress(f"{args.name}: {size / 1e6:.0f} MB"))
    show.progress(f"{args.name} is in {folder}", last=True)
    print(f'[notes]\ntranscriber = "whisper"\nwhisper_model = "{args.name}"')
    return 0
