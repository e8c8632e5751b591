"""The command line's front door: finds the command, maps errors to one sentence and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from tonewright import __version__
from tonewright.errors import TonewrightError

# command: (module under tonewright/cli, what it is for). Only the module that is asked for is imported.
COMMANDS = {
    "init": ("init", "set tonewright up in this blog"),
    "uninstall": ("uninstall", "take tonewright out of this blog again"),
    "up": ("up", "watch and work until stopped (or --once)"),
    "service": ("service", "keep `up` running with systemd or launchd"),
    "scan": ("scan", "look for new posts, notes and pushes now"),
    "status": ("status", "what came in, what failed, what waits for what"),
    "log": ("log", "the latest events, or one event's whole story"),
    "retry": ("retry", "try failed events again"),
    "fetch": ("fetch", "download a model that hears words, once"),
    "notes": ("notes", "voice notes, and how each sentence was said"),
    "tag": ("tag", "give a passage a tone by hand, without touching the post"),
    "review": ("review", "go through what waits for a tone, in the browser, by keys"),
    "tones": ("tones", "tones by hand and by machine, and how far they agree"),
    "outbox": ("outbox", "what ever left this machine, and what would"),
    "dashboard": ("dashboard", "how everything stands, on one live page"),
    "report": ("report", "one page with the tones, the taggers and every voice note, as plots"),
    "corpus": ("corpus", "count, export or verify the training corpus, or forget a part of it"),
    "retrain": ("retrain", "why (not) to retrain, start one now, follow or cancel it"),
    "runs": ("runs", "training runs, and how the loss of one went"),
    "model": ("model", "list, show, promote or roll back models"),
    "limits": ("limits", "what each base, quantisation and model at hand can do here, measured"),
    "rewrite": ("rewrite", "put a text into your voice"),
    "summarise": ("summarise", "sum a post up in your voice"),
    "continue": ("go_on", "draft the paragraph that might come next"),
    "write-up": ("write_up", "turn a voice note into a draft post"),
    "serve": ("serve", "offer your voice to other programs, as an OpenAI-compatible server"),
    "style": ("style", "your habits of writing, counted in your corpus"),
    "search": ("search", "find what you have written, and see what is searched"),
    "related": ("related", "what else you have written on a post's subject"),
    "ask": ("ask", "what your posts say to a question, quoted with its source"),
    "host": ("host", "name, trust, check and set up machines that train"),
    "work": ("work", "let this machine think for a blog on another one"),
    "lend": ("lend", "answers `work` on another machine; not for typing"),
    "config": ("config", "show settings and where they come from"),
    "doctor": ("doctor", "find the first broken link, here or on a host"),
}


class Command(Protocol):
    """What a module under tonewright/cli provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's own arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it; returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 failure, 2 usage, 3 nothing to do, 4 refused, 75 try later,
    78 bad configuration, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except TonewrightError as e:
        print(f"tonewright: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        print("tonewright: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `tonewright log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as e:
        import traceback

        traceback.print_exc()
        print(
            f"tonewright: {type(e).__name__}: {e}; this is a bug, please report the lines above",
            file=sys.stderr,
        )
        return 1


def _dispatch(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="tonewright",
        description="Your commits, posts and voice notes become a tone-tagged corpus, and a small model on your own "
        "hardware learns to write like you.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n" + "\n".join(f"  {name:<11}{text}" for name, (_, text) in COMMANDS.items()),
    )
    parser.add_argument("--version", action="version", version=f"tonewright {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="one of those below")
    if not words or words[0].startswith("-"):
        parser.parse_args(words or ["--help"])
    name = parser.parse_args(words[:1]).command
    module, text = COMMANDS[name]
    command = cast(Command, importlib.import_module(f"tonewright.cli.{module}"))
    own = argparse.ArgumentParser(prog=f"tonewright {name}", description=text[0].upper() + text[1:] + ".")
    command.add_arguments(own)
    return command.run(own.parse_args(words[1:]))


if __name__ == "__main__":
    sys.exit(main())
