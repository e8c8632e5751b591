"""`tonewright corpus forget`: a post, a note or a commit's text leaves everything that tonewright keeps."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tonewright import runs
from tonewright.cli import show
from tonewright.corpus import lineage
from tonewright.corpus.erase import erase
from tonewright.corpus.forget import Outcome, take_out
from tonewright.corpus.target import Target, find
from tonewright.errors import TonewrightError, UsageError
from tonewright.workspace import Workspace, open_workspace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("what", metavar="PATH|COMMIT|NOTE", help="a post, a commit, a voice note or its transcript")
    parser.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(act=_run)


def _run(args: argparse.Namespace) -> int:
    """Exit code 2 for something unknown or when nobody can be asked, 1 when the author says no."""
    workspace = open_workspace()
    target = find(workspace, args.what)
    touched = lineage.touched(workspace, target.texts)
    if not args.json or args.dry_run:
        _announce(target, len(touched), as_json=args.json)
    if args.dry_run:
        return 0
    if not args.yes and not _agreed():
        print("nothing was forgotten")
        return 1
    quoting = _tag_files(workspace, target)
    outcome = take_out(workspace, target)
    left = [
        *quoting,
        *_stop(workspace, outcome),
        *erase(workspace, outcome.runs),
        *_elsewhere(workspace, target, outcome),
    ]
    if outcome.retrain:
        from tasks.queue import ring

        ring(workspace, outcome.retrain)
    if args.json:
        show.as_json({"source": target.source, **asdict(outcome), "left_to_you": left})
        return 0
    print(f"forgotten: {outcome.texts} texts, {outcome.passages} passages")
    if outcome.models:
        print(f"stale, because they saw it: model {', '.join(map(str, outcome.models))}")
    for event in outcome.retrain:
        print(f"#{event} retrain: a clean one from the base is queued")
    for sentence in left:
        print(f"left to you: {sentence}")
    return 0


def _announce(target: Target, runs_touched: int, *, as_json: bool) -> None:
    counts = {"texts": len(target.texts), "files": len(target.files), "runs": runs_touched}
    if as_json:
        show.as_json({"source": target.source, **counts})
        return
    print(f"{target.source}: {len(target.texts)} texts, {len(target.files)} copies, in {runs_touched} runs")


def _tag_files(workspace: Workspace, target: Target) -> list[str]:
    """The author's own tags quote the words that they were given to, in files that are the author's to delete."""
    rows = workspace.ledger.read(
        """SELECT DISTINCT file FROM hand_tags
           WHERE quote != '' AND path IN (SELECT value FROM json_each(?)) ORDER BY file""",
        (json.dumps(sorted(target.paths)),),
    )
    return [f"{workspace.config.tones.folder}/{file} quotes words of it: `git rm` it" for (file,) in rows]


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("this cannot be taken back, and there is nobody to ask", "add --yes, or --dry-run to look")
    return input("Forget it for good? [y/N] ").strip().lower() in ("y", "yes")


def _stop(workspace: Workspace, outcome: Outcome) -> list[str]:
    """Cancel the runs under way that had it; returns those whose host did not answer."""
    from tonewright.hosts import settings_for
    from tonewright.remote.courier import cancel
    from tonewright.remote.host import open_host

    left = []
    for run in runs.every(workspace.ledger):
        if run.id not in outcome.stopped or run.step == runs.FINISHED:
            continue
        try:
            with open_host(settings_for(workspace, run.host)) as host:
                cancel(host, run.id)
        except TonewrightError as e:
            left.append(f"run {run.id} on {run.host} could not be stopped ({e})")
    return left


def _elsewhere(workspace: Workspace, target: Target, outcome: Outcome) -> list[str]:
    """Where the text still is and we may not or cannot reach it."""
    left = []
    for run in runs.every(workspace.ledger):
        if run.id in outcome.runs and run.host != "local":
            entry = workspace.config.hosts.get(run.host)
            left.append(f"{run.host} has the run's files: delete {entry.root if entry else ''}/jobs/{run.id} there")
    if target.in_git:
        paths = " ".join(f"--path {path}" for path in sorted(target.paths))
        how = f"`git filter-repo --invert-paths {paths}`" if paths else "`git filter-repo --replace-text`"
        left.append(
            f"Git's history still holds it, here and in every clone: {how} rewrites it, then push with --force, "
            "and ask the host to drop what it cached"
        )
    left += [f"{path} itself is yours, and is as it was" for path in sorted(target.paths) if not target.in_git]
    left.append("copies that you made yourself, backups among them, are not known to tonewright")
    return left
