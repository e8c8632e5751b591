"""`tonewright serve`: your voice for every program that can talk to OpenAI's API."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
from contextlib import closing, suppress
from types import FrameType

from tonewright.cli import show
from tonewright.errors import UsageError
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--address", help="where to listen (default: serve.address); not this machine alone: with a key"
    )
    parser.add_argument("--port", type=int, help="default: serve.port; 0 takes any that is free")
    parser.add_argument("--json", action="store_true", help="print the address as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Serve until ^C. Exit code 75 when the port is taken, 78 without a model."""
    from tonewright.serving.api import Api
    from tonewright.serving.fleet import Fleet
    from tonewright.serving.guard import key_for
    from tonewright.serving.server import Server

    workspace = open_workspace()
    given = {name: value for name in ("address", "port") if (value := getattr(args, name)) is not None}
    settings = dataclasses.replace(workspace.config.serve, **given)
    if not 0 <= settings.port < 1 << 16 or settings.at_once < 1:
        raise UsageError("the port counts from 0 to 65535, and serve.at_once from 1", "leave them out for the usual")
    file = workspace.folder() / "serve.key"
    key, new = key_for(settings, file)
    with closing(Fleet(workspace, settings.at_once)) as fleet:
        with fleet.writer(fleet.voice()) as voice:
            voice.loaded()
        api = Api(workspace, fleet)
        with Server(settings.address, settings.port, key, api, workspace.ledger.release) as server:
            if args.json:
                show.as_json({"url": server.url, "models": api.names, "key_file": str(file) if key else ""})
            else:
                print(f"{', '.join(api.names)} until ^C: {server.url}")
            if new:
                print(f"tonewright: clients show this key, which is kept in {file}: {key}", file=sys.stderr)
            sys.stdout.flush()
            for stop in (signal.SIGINT, signal.SIGTERM):
                signal.signal(stop, _end)
            with suppress(KeyboardInterrupt):
                server.serve_forever(poll_interval=0.1)
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
