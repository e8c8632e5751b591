"""`tonewright host`: show a machine's fingerprint once, trust it from then on, see what it offers."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from tonewright.cli import show
from tonewright.hosts import settings_for
from tonewright.remote.host import open_host
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="trust|check")
    trust = actions.add_parser("trust", help="show the host's fingerprint and remember its key")
    trust.add_argument("name", help="a name under [hosts]")
    trust.add_argument("--yes", action="store_true", help="remember it without asking")
    check = actions.add_parser("check", help="what the machine offers a training run")
    check.add_argument("name", nargs="?", help="a name under [hosts], or local (default: training.host)")
    check.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 75 when the host is asleep, 1 when its key is unknown or has changed."""
    workspace = open_workspace()
    if args.action == "check":
        with open_host(settings_for(workspace, args.name or workspace.config.training.host)) as host:
            report = host.check()
        if args.json:
            show.as_json(asdict(report))
        else:
            show.table(
                [(key, "none" if value is None else value) for key, value in asdict(report).items()],
                indent="",
            )
        return 0
    from tonewright.remote.ssh import fingerprint, trust

    settings = settings_for(workspace, args.name)
    kind, print_ = fingerprint(settings)
    print(f"{args.name} ({settings.address}) shows {kind} {print_}")
    if not args.yes:
        answer = input("Is this your machine's key? `ssh-keygen -lf` on it tells. [y/N] ") if sys.stdin.isatty() else ""
        if answer.strip().lower() not in ("y", "yes"):
            print("not trusted (answer y, or give --yes)", file=sys.stderr)
            return 1
    trust(settings, print_)
    print(f"{args.name} is trusted; any other key is refused from now on")
    return 0
