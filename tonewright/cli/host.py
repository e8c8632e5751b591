"""`tonewright host`: name a machine that trains, trust its key once, see what it offers, set it up."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from tonewright import runs
from tonewright.cli import show
from tonewright.config import edit
from tonewright.config.schema import HostEntry
from tonewright.errors import Missing, UsageError
from tonewright.hosts import LOCAL, lacks, remedy, settings_for
from tonewright.remote.host import HostReport, open_host
from tonewright.workspace import Workspace, open_workspace, user_file

UNFETCHED = (runs.START, runs.POLL, runs.FETCH)  # while a run is in one of these, the host has what we want


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="|".join(ACTIONS))
    add = actions.add_parser("add", help="name a machine, show its fingerprint and trust it from then on")
    add.add_argument("name", help="what you call it")
    add.add_argument("address", nargs="?", help="[USER@]HOST[:PORT] or a name of your ssh config; known already: none")
    add.add_argument("--identity", default="", help="private key (default: what your ssh config and agent offer)")
    add.add_argument("--yes", metavar="FINGERPRINT", default="", help="trust it without asking if it shows this one")
    check = actions.add_parser("check", help="what the machine offers a training run")
    check.add_argument("name", nargs="?", help="one of [hosts], or local (default: the first under training.host)")
    check.add_argument("--json", action="store_true", help="one JSON object")
    listed = actions.add_parser("list", help="the machines, and the order in which they are asked")
    listed.add_argument("--json", action="store_true", help="one JSON object")
    remove = actions.add_parser(
        "remove", help="take a machine out of the settings, and its key out of the trusted ones"
    )
    remove.add_argument("name", help="one of [hosts]")
    provision = actions.add_parser("provision", help="install over there what training needs")
    provision.add_argument("name", help="one of [hosts]")
    provision.add_argument("--dry-run", action="store_true", help="list what would be done, do nothing")


def run(args: argparse.Namespace) -> int:
    """Exit code 75 when the host is asleep, 1 when its key is not trusted, 78 when it lacks something."""
    return ACTIONS[args.action](open_workspace(), args)


def _add(workspace: Workspace, args: argparse.Namespace) -> int:
    """The fingerprint is agreed to first; only then the machine's name is written down."""
    from tonewright.remote.ssh import fingerprint, trust

    known = workspace.config.hosts.get(args.name)
    entry = _entry(args) if args.address else known
    if entry is None:
        raise UsageError(f"[hosts] does not name {args.name!r}", f"tonewright host add {args.name} [USER@]HOST[:PORT]")
    if known is not None and args.address and _place(known) != _place(entry):
        raise UsageError(f"{args.name} is {show_place(known)} already", f"first: tonewright host remove {args.name}")
    hosts = {**workspace.config.hosts, args.name: known or entry}
    settings = settings_for(replace(workspace, config=replace(workspace.config, hosts=hosts)), args.name)
    kind, shown = fingerprint(settings)
    print(f"{args.name} ({show_place(entry)}) shows {kind} {shown}")
    if not _agreed(args.yes, shown):
        print(f"not trusted (answer y, or give --yes {shown} once you have compared it)", file=sys.stderr)
        return 1
    trust(settings, shown)
    print(f"{args.name} is trusted; any other key is refused from now on")
    if known is None:
        default = asdict(HostEntry())
        edit.add_table(user_file(), f"hosts.{args.name}", {k: v for k, v in asdict(entry).items() if v != default[k]})
        print(f"{user_file()}: [hosts.{args.name}] added")
        print(f'next: tonewright host provision {args.name}, then host = "{args.name}" under [training]')
    return 0


def _entry(args: argparse.Namespace) -> HostEntry:
    if args.name == LOCAL or not re.fullmatch(r"[A-Za-z0-9_-]+", args.name):
        raise UsageError(f"{args.name!r} cannot be the name of a host", "use letters, digits, dashes; not `local`")
    found = re.fullmatch(r"(?:([^@\s]+)@)?(\[[0-9a-fA-F:]+\]|[^@:\s\[\]-][^@:\s\[\]]*)(?::(\d{1,5}))?", args.address)
    if found is None or int(found[3] or 0) > 65535:
        raise UsageError(f"{args.address!r} is no address", "write it as [USER@]HOST[:PORT], an IPv6 one in brackets")
    return HostEntry(address=found[2].strip("[]"), user=found[1] or "", port=int(found[3] or 0), identity=args.identity)


def _place(entry: HostEntry) -> tuple[str, str, int]:
    return entry.user, entry.address, entry.port


def show_place(entry: HostEntry) -> str:
    """An entry's address as it is typed."""
    user, port = f"{entry.user}@" if entry.user else "", f":{entry.port}" if entry.port else ""
    return f"{user}{entry.address}{port}"


def _agreed(given: str, shown: str) -> bool:
    if given or not sys.stdin.isatty():
        return given == shown
    answer = input("Is this your machine's key? `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there tells. [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _check(workspace: Workspace, args: argparse.Namespace) -> int:
    name = args.name or workspace.config.training.host[0]
    with open_host(settings_for(workspace, name)) as host:
        report = host.check()
    why = lacks(report)
    if args.json:
        show.as_json({**asdict(report), "lacks": why})
        return 1 if why else 0
    show.table(lines(report), indent="")
    if why:
        raise Missing(f"host {name} {why}", remedy(report))
    return 0


def lines(report: HostReport) -> list[tuple[str, str]]:
    """A report for a person."""
    shown = ", ".join(g["name"] for g in report.gpus)
    if shown and report.torch:
        shown += ", which PyTorch there cannot use"
    return [
        ("host", report.name),
        ("system", report.system),
        ("python", report.python),
        ("memory", f"{report.ram_bytes / 1e9:.1f} GB"),
        ("disk", f"{report.free_bytes / 1e9:.1f} GB free"),
        ("gpu", report.gpu or shown or "none: the processor trains"),
        ("torch", report.torch or "none"),
    ]


def _list(workspace: Workspace, args: argparse.Namespace) -> int:
    hosts, order = workspace.config.hosts, workspace.config.training.host
    if args.json:
        show.as_json({"order": order, "hosts": {name: asdict(entry) for name, entry in hosts.items()}})
        return 0
    rows = [
        (
            str(order.index(name) + 1) if name in order else "-",
            name,
            "this machine" if name == LOCAL else show_place(hosts[name]),
            workspace.origins.get(f"hosts.{name}", ""),
        )
        for name in [*order, *(name for name in hosts if name not in order)]
    ]
    show.table(rows, indent="")
    return 0


def _remove(workspace: Workspace, args: argparse.Namespace) -> int:
    from tonewright.remote.ssh import distrust

    if args.name == LOCAL:
        raise UsageError("this machine cannot be removed", "change training.host")
    settings = settings_for(workspace, args.name)
    if args.name in workspace.config.training.host:
        raise UsageError(f"training.host names {args.name}", "take it out there first")
    if held := [r.id for r in runs.every(workspace.ledger) if r.host == args.name and r.step in UNFETCHED]:
        raise UsageError(f"run {held[0]} is on {args.name}", "let it come to its end, or `tonewright retrain cancel`")
    file = Path(workspace.origins[f"hosts.{args.name}"])
    edit.drop_table(file, f"hosts.{args.name}")
    distrust(settings)
    print(f"{file}: [hosts.{args.name}] taken out; its key is forgotten. What is on that machine stays there.")
    return 0


def _provision(workspace: Workspace, args: argparse.Namespace) -> int:
    from tonewright.remote import provision

    if args.name == LOCAL:
        raise UsageError("this machine has the Python that you started", "pip install 'tonewright[train]'")
    settings = settings_for(workspace, args.name)
    with open_host(settings) as host:
        report = host.check()
        wanted = provision.wanted(workspace.config.hosts[args.name], report, workspace.path)
        for key, value in lines(report)[1:]:
            print(f"{key:<8}{value}")
        if report.ready == wanted.digest and not lacks(report):
            print(f"{args.name} is set up already ({wanted.digest}); nothing to do")
            return 0
        for step in wanted.steps(settings.root):
            print(f"would {step}" if args.dry_run else step)
        if args.dry_run:
            return 0
        told = provision.install(host, wanted, workspace.folder("provision", args.name), show.progress)
    show.progress("", last=False)
    for line in told:
        print(line)
    return 0


ACTIONS: dict[str, Callable[[Workspace, argparse.Namespace], int]] = {
    "add": _add,
    "check": _check,
    "list": _list,
    "remove": _remove,
    "provision": _provision,
}
