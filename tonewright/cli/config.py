"""`tonewright config show`: every setting, and with --origin the file or variable that set it."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from tonewright.cli import show
from tonewright.config.schema import without_password
from tonewright.workspace import open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["show"], help="show the settings")
    parser.add_argument("--origin", action="store_true", help="say where each value comes from")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 78 when the configuration cannot be used."""
    workspace = open_workspace()
    settings = {**asdict(workspace.config), "queue": without_password(workspace.config.queue)}
    if args.json:
        show.as_json({"settings": settings, "origins": workspace.origins})
        return 0
    rows = []
    for section, keys in settings.items():
        named = keys.items() if isinstance(keys, dict) else [("", keys)]
        for key, value in named:
            name = f"{section}.{key}".rstrip(".")
            shown = ", ".join(value) if isinstance(value, (list, tuple)) else value
            rows.append((name, shown, workspace.origins.get(name, "default")) if args.origin else (name, shown))
    show.table(rows, indent="")
    return 0
