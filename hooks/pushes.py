"""Which branches reached a remote: told by the reflog of the remote-tracking refs and, where asked for, by the remote.

`pre-push` runs before a push and also for a dry run or a rejected one; the reflog entry "update by push" is written
when the remote has said yes, whether anything of ours was running or not. Pushes to a bare URL leave no such entry;
a `post-receive` of ours in the author's own bare repository sees these too (hooks/receive.py).

A push to that repository under a remote's name is told by both. The two have no number in common, but they agree on
where (the remote's address ends in the repository's path), branch and commit. So the n-th time that one of them
tells of a commit reaching a branch makes an event only if the other has not told of it n times already. No clock is
compared, and the order in which the two are read does not matter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hooks.receive import arrivals
from tonewright.events import PUSH, NewEvent
from tonewright.ledger.store import Transaction
from tonewright.process import run
from tonewright.repository import Repository
from tonewright.workspace import Workspace

PUSHED = "update by push"
_REMOTES = "refs/remotes/"
_HEADS = "refs/heads/"
# A character that no ref can hold: what follows tells two sightings apart that are alike in everything else.
_MORE = "~"

# What stands before the path in git@host:path, ssh://host/path and file:///path.
_HOST = re.compile(r"(?:ssh|file)://[^/]*|[^/:]+:(?!//)")

Row = tuple[str, str, str, int]  # repository, ref, oid, at: a row of the table `pushes`


@dataclass(frozen=True)
class Remotes:
    """Where each remote leads: the path of a bare repository that tells us what arrives, or only its name."""

    bare_of: dict[str, str]

    def split(self, ref: str) -> tuple[str, str]:
        """(remote, branch) of `origin/main`; a remote's name may hold slashes."""
        fitting = [name for name in self.bare_of if ref.startswith(name + "/")]
        name = max(fitting, key=len, default=ref.partition("/")[0])
        return name, ref[len(name) + 1 :]

    def group(self, row: Row) -> tuple[str, str, str]:
        """(destination, branch, commit): equal for what the reflog and the remote say of the same push."""
        repository, ref, oid, _ = row
        if _is_arrival(row):
            return repository, ref.removeprefix(_HEADS).partition(_MORE)[0], oid
        name, branch = self.split(ref.removeprefix(_REMOTES).partition(_MORE)[0])
        return self.bare_of.get(name) or name, branch, oid

    def source(self, row: Row) -> str:
        """How the push is called for a person: `origin/main`, or the path where no remote has a name for it."""
        if not _is_arrival(row):
            return row[1].removeprefix(_REMOTES).partition(_MORE)[0]
        place, branch, _ = self.group(row)
        name = next((name for name, bare in self.bare_of.items() if bare == place), place)
        return f"{name}/{branch}"


def scan(workspace: Workspace, repository: Repository) -> list[int]:
    """Record an event for every push that was not seen before; returns the ids of new events.

    What was seen and the events are written in one transaction, so a scan that is killed has not happened.
    """
    arrived = [
        (str(a.bare), f"{_HEADS}{a.branch}{_MORE}{a.offset}", a.oid, a.at) for a in arrivals(workspace.state / "spool")
    ]
    rows = [*_told_by_reflog(repository), *arrived]
    if set(rows) <= set(workspace.ledger.read("SELECT repository, ref, oid, at FROM pushes")):
        return []
    with workspace.ledger.transaction() as tx:
        known: list[Row] = tx.execute("SELECT repository, ref, oid, at FROM pushes").fetchall()
        bares = {row[0] for row in (*known, *rows) if _is_arrival(row)}
        _record(tx, repository.identity, rows, known, _remotes(repository, bares))
        return tx.added


def _record(tx: Transaction, place: str, rows: Iterable[Row], known: list[Row], remotes: Remotes) -> None:
    told = Counter((remotes.group(row), _is_arrival(row)) for row in known)
    old = set(known)
    for row in rows:
        if row in old:
            continue
        group, side = remotes.group(row), _is_arrival(row)
        told[group, side] += 1
        tx.execute("INSERT INTO pushes VALUES (?, ?, ?, ?)", row)
        if told[group, side] > told[group, not side]:
            _, name, oid, at = row
            ref, more, number = name.partition(_MORE)
            payload = {"place": place, "ref": ref, "commit": oid, "at": at}
            tx.add(NewEvent(PUSH, remotes.source(row), f"{oid}@{at}{more}{number}", payload))


def _is_arrival(row: Row) -> bool:
    """Whether the remote itself told of it; such a row's ref ends in the offset of its line."""
    return row[1].startswith(_HEADS)


def _remotes(repository: Repository, bares: set[str]) -> Remotes:
    """Each remote with the bare repository that its address leads to, as far as the path tells; "" for others."""
    found = {}
    for name in run(["git", "remote"], cwd=repository.top).stdout.split():
        shown = run(["git", "remote", "get-url", "--push", name], cwd=repository.top, check=False).stdout.strip()
        host = _HOST.match(shown)
        path = shown[host.end() :] if host else shown
        if host and not path.startswith("/"):  # from that account's home folder
            found[name] = next((bare for bare in bares if bare.endswith("/" + path.removeprefix("~/"))), "")
        else:
            absolute = str((repository.top / path).resolve())
            found[name] = absolute if absolute in bares else ""
    return Remotes(found)


def _told_by_reflog(repository: Repository) -> Iterator[Row]:
    """What the reflogs of the remote-tracking refs tell, oldest first within each ref.

    The same commit twice in the same second (pushed, replaced, pushed again) is told apart by `~2` after the ref.
    """
    refs = run(["git", "for-each-ref", "--format=%(refname)", "refs/remotes"], cwd=repository.top).stdout.split()
    for ref in refs:
        times: Counter[tuple[str, int]] = Counter()
        for oid, at in _pushes(repository.top, ref):
            times[oid, at] += 1
            again = f"{_MORE}{times[oid, at]}" if times[oid, at] > 1 else ""
            yield repository.identity, ref + again, oid, at


def _pushes(top: Path, ref: str) -> list[tuple[str, int]]:
    """(commit id, seconds since the epoch) of each push that the reflog of `ref` tells of, oldest first."""
    shown = run(["git", "log", "-g", "--date=unix", "--format=%H%x09%gd%x09%gs", ref, "--"], cwd=top, check=False)
    found = []
    for entry in shown.stdout.splitlines():
        oid, _, rest = entry.partition("\t")
        stamp, _, message = rest.partition("\t")
        at = re.search(r"@\{(\d+)\}", stamp)
        if at and message == PUSHED:
            found.append((oid, int(at[1])))
    return found[::-1]
