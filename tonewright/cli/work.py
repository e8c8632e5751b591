"""`tonewright work`: this machine thinks (tags, writes plain versions) for a blog on another one."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import time
from pathlib import Path

from tonewright.errors import TonewrightError, TryLater, UsageError
from tonewright.remote.host import HostSettings
from tonewright.workspace import cache_folder

AGAIN_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("blog", metavar="[USER@]HOST:FOLDER", help="the blog, and the machine with its ledger")
    parser.add_argument("--port", type=int, default=0, help="SSH port (default: what your ssh config says, else 22)")
    parser.add_argument("--identity", type=Path, help="private key (default: what your ssh config and agent offer)")
    parser.add_argument("--program", default="tonewright", help="how tonewright is called over there")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 after SIGTERM or ^C. While that machine sleeps, this one asks again every ten seconds."""
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="%(asctime)s %(name)s: %(message)s"
    )
    logging.getLogger("huey").setLevel(logging.CRITICAL)  # what it would say of a lost connection is said here
    settings, folder = _there(args)
    command = f"{args.program} lend {shlex.quote(folder)}"
    while True:
        try:
            if _session(settings, command):
                return 0
            print("the connection is lost; trying again", file=sys.stderr, flush=True)
        except TryLater as e:
            print(f"{e}; trying again", file=sys.stderr, flush=True)
        time.sleep(AGAIN_SECONDS)


def _session(settings: HostSettings, command: str) -> bool:
    from tasks.elsewhere import greet, lend_a_hand
    from tonewright.remote.keys import HostKeyError
    from tonewright.remote.talk import talk

    try:
        with talk(settings, command) as exchange:
            workspace = greet(exchange)
            print(f"working for {workspace.root} on {settings.name}; ^C stops it", file=sys.stderr, flush=True)
            return lend_a_hand(workspace)
    except HostKeyError as e:  # there is no [hosts] here to enrol it under
        raise TonewrightError(e.what, f"compare it on that machine, then `ssh {settings.address}` once") from e


def _there(args: argparse.Namespace) -> tuple[HostSettings, str]:
    where, colon, folder = args.blog.partition(":")
    user, _, address = where.rpartition("@")
    if not (colon and folder and address):
        raise UsageError(f"{args.blog} names no blog on another machine", "write it as [USER@]HOST:FOLDER")
    return HostSettings(
        name=address,
        address=address,
        user=user,
        port=args.port,
        identity=args.identity,
        known_hosts=cache_folder() / "known_hosts",
    ), folder
