"""`tonewright doctor`: walks the chain from Git to the host, and names the first broken link with its cure."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tonewright.cli import show
from tonewright.config.schema import without_password
from tonewright.errors import TonewrightError
from tonewright.workspace import UNFIT_FOR_STATE, Workspace, file_system, is_remote, open_workspace

LOW_DISK = 2 * 10**9  # bytes: a base, its converted copy and a few adapters


@dataclass(frozen=True)
class Finding:
    """One link of the chain; `cure` is the command or step that mends it."""

    link: str
    ok: bool
    tells: str
    cure: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--host", help="look at this host (default: those under training.host)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Exit code 1 when a link is broken."""
    findings = examine(args.host)
    broken = next((f for f in findings if not f.ok), None)
    if args.json:
        show.as_json({"ok": broken is None, "findings": [asdict(f) for f in findings]})
        return 1 if broken else 0
    show.table([("ok" if f.ok else "BROKEN", f.link, f.tells) for f in findings], indent="")
    if broken is None:
        print("every link holds")
        return 0
    print(f"first broken link: {broken.link}\n  {broken.tells}\n  mend it: {broken.cure}")
    return 1


def examine(host: str | None = None) -> list[Finding]:
    """Look at one link after the other. Links after a missing configuration cannot be looked at."""
    findings = [_python(), _names()]
    try:
        workspace = open_workspace()
    except TonewrightError as e:
        return [*findings, Finding("configuration", False, e.what, e.remedy)]
    findings.append(Finding("configuration", True, str(workspace.root)))
    links: list[tuple[str, Callable[[], str]]] = [
        ("state", lambda: _state(workspace)),
        ("git", lambda: _git(workspace)),
        ("hooks", lambda: _hooks(workspace)),
        ("posts folders", lambda: _watched(workspace, "blog.folders", workspace.config.blog.folders)),
        ("notes folders", lambda: _watched(workspace, "notes.folders", workspace.config.notes.folders)),
        ("watches", lambda: _watches(workspace)),
        ("queue", lambda: _queue(workspace)),
        ("base model", lambda: _base(workspace)),
        ("llama.cpp", _llama),
        ("audio", _audio),
        ("words", lambda: _words(workspace)),
        ("hosted", lambda: _hosted(workspace)),
        *(("host", partial(_host, workspace, name)) for name in ([host] if host else workspace.config.training.host)),
        ("up", lambda: _up(workspace)),
    ]
    for link, look in links:
        try:
            findings.append(Finding(link, True, look()))
        except TonewrightError as e:
            findings.append(Finding(link, False, e.what, e.remedy or "see above"))
    return findings


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 10), found, "install Python 3.10 or newer")


def _names() -> Finding:
    """Our four top-level names are plain words; another distribution may bring one of them too."""
    home = Path(__file__).parents[2]
    for name in ("hooks", "watchers", "tasks", "tonewright"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).parents[1] if spec and spec.origin else None
        if origin != home:
            return Finding(
                "package names",
                False,
                f"`{name}` comes from {origin}",
                "install tonewright by itself: pipx install tonewright",
            )
    return Finding("package names", True, "all ours")


def _state(workspace: Workspace) -> str:
    kind = file_system(workspace.folder())
    if kind in UNFIT_FOR_STATE:
        raise TonewrightError(f"{workspace.state} is on {kind}", "set TONEWRIGHT_STATE to a folder on a local disk")
    broken = workspace.ledger.read("PRAGMA quick_check")[0][0]
    if broken != "ok":
        raise TonewrightError(
            f"the ledger is damaged ({broken})", f"put a backup in the place of {workspace.ledger.file}"
        )
    free = shutil.disk_usage(workspace.state).free
    if free < LOW_DISK:
        raise TonewrightError(f"{free / 1e9:.1f} GB free on {workspace.state}", "free some space")
    return f"{workspace.state}, {free / 1e9:.0f} GB free"


def _git(workspace: Workspace) -> str:
    from tonewright.repository import Repository

    repository = Repository(workspace.root)
    tips = repository.tips(workspace.config.blog.branches)
    if not tips:
        names = ", ".join(workspace.config.blog.branches)
        raise TonewrightError(
            f"{repository.top} has no branch {names} with a commit on it",
            "commit something, or change blog.branches",
        )
    return ", ".join(f"{branch} at {oid[:10]}" for branch, oid in tips.items())


def _hooks(workspace: Workspace) -> str:
    from hooks.install import hooks_folder, install
    from tonewright.repository import Repository

    repository = Repository(workspace.root)
    folder = hooks_folder(repository)
    missing = install(repository, workspace.spool, dry_run=True)
    if [change.path for change in missing] == [folder]:
        return f"{folder} is not ours to write into; without the line that `init` shows, the timed scan finds commits"
    if missing:
        raise TonewrightError(f"{len(missing)} hooks are missing or outdated in {folder}", "run `tonewright init`")
    return f"in place in {folder}"


def _watched(workspace: Workspace, key: str, names: tuple[str, ...]) -> str:
    """The folders that `key` names: each is there, and is watched or only scanned."""
    from watchers.observe import told

    remarks = told(workspace)
    tells = []
    for name in names:
        folder = workspace.path(name)
        if not folder.is_dir():
            raise TonewrightError(f"{folder} is not there", f"mkdir -p '{folder}', or change {key}")
        kind = file_system(folder)
        if is_remote(kind):
            tells.append(f"{folder} (scanned every {workspace.config.watch.rescan_seconds:.0f} s: no events on {kind})")
        else:
            tells.append(remarks.get(str(folder), f"{folder} (watched)"))
    return ", ".join(tells) or "none configured"


def _watches(workspace: Workspace) -> str:
    """Whether the system had enough watches for the watcher process that runs, or ran last."""
    from watchers.observe import told

    short = told(workspace).get(str(workspace.folder("store")))
    if short:
        raise TonewrightError(
            short,
            "echo fs.inotify.max_user_watches=524288 | sudo tee /etc/sysctl.d/50-watches.conf && sudo sysctl --system",
        )
    return "enough"


def _queue(workspace: Workspace) -> str:
    from tasks.queue import HERE, connect

    place = without_password(workspace.config.queue)
    try:
        waiting = connect(workspace, HERE).pending_count()
    except TonewrightError:
        raise
    except Exception as e:  # whatever the client of a foreign server throws
        raise TonewrightError(f"{place} does not answer ({e})", "start Redis, or mend `queue`; events wait") from e
    return f"{place}, {waiting} rung and not yet heard"


def _base(workspace: Workspace) -> str:
    from tonewright.models.base import find_base

    base = find_base(workspace.config.model.base)
    return f"{base.name} ({base.gguf.stat().st_size / 1e6:.0f} MB, {base.licence})"


def _llama() -> str:
    if importlib.util.find_spec("llama_cpp") is None:
        raise TonewrightError("llama-cpp-python is not installed", "pip install 'tonewright[local]'")
    return "llama-cpp-python is installed"


def _audio() -> str:
    if importlib.util.find_spec("av") is None:
        raise TonewrightError("PyAV is not installed, so voice notes wait", "pip install 'tonewright[audio]'")
    return "PyAV is installed"


def _words(workspace: Workspace) -> str:
    """Who hears the words of notes that have none, and whether they can."""
    notes = workspace.config.notes
    if notes.transcriber != "whisper":
        return {"sidecar": "you write them beside a note"}.get(notes.transcriber, notes.transcriber)
    from tonewright.notes.whisper import find_model

    if importlib.util.find_spec("faster_whisper") is None:
        raise TonewrightError("faster-whisper is not installed", "pip install 'tonewright[asr]'")
    return f"Whisper in {find_model(notes.whisper_model)}"


def _hosted(workspace: Workspace) -> str:
    """Whether the hosted model could be asked, for what, and about which folders. Nothing is sent to find out."""
    from tonewright.hosted.endpoint import endpoint_for

    config = workspace.config
    settings = {"tagger": config.tagger.use, "pairs": config.pairs.use, "transcripts": config.notes.transcriber}
    uses = [name for name, use in settings.items() if use == "hosted"]
    if not uses:
        return "nothing is asked of a hosted model"
    if importlib.util.find_spec("openai") is None:
        raise TonewrightError("openai is not installed", "pip install 'tonewright[hosted]'")
    endpoint = endpoint_for(workspace)
    folders = "this machine" if endpoint.local else ", ".join(config.hosted.folders) or "no folder is opted in yet"
    return f"{config.hosted.model} at {endpoint.host} for {', '.join(uses)} ({folders})"


def _host(workspace: Workspace, name: str) -> str:
    from tonewright.hosts import lacks, remedy, settings_for
    from tonewright.remote.host import open_host

    with open_host(settings_for(workspace, name)) as host:
        report = host.check()
    if why := lacks(report):
        raise TonewrightError(f"host {name} {why}", remedy(report))
    gpu = report.gpu or "no GPU (the CPU trains)"
    return f"{name}: torch {report.torch}, {gpu}, {report.free_bytes / 1e9:.0f} GB free"


def _up(workspace: Workspace) -> str:
    from tasks.workers import living

    alive = len(living(workspace))
    return f"{alive} worker{'s' * (alive != 1)} running" if alive else "nothing is running; `tonewright up` starts it"
