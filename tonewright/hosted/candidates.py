"""What the gate has to know: a document as it was taken and as it is on disk now, and the author's policy."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tonewright.errors import Refused, TryLater
from tonewright.hosted.endpoint import is_this_machine
from tonewright.hosted.gate import ALLOW, LOCAL, REFUSE, Candidate, Decision, KeptHere, Policy, Reason, decide
from tonewright.repository import Repository
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.hosted")
IGNORE_FILE = ".tonewrightignore"
TAGGER, PAIRS, TRANSCRIPTS = "tagger", "pairs", "transcripts"


def policy_of(workspace: Workspace, use: str) -> Policy:
    """The author's policy for `use`: TAGGER, PAIRS or TRANSCRIPTS."""
    hosted = workspace.config.hosted
    return Policy(
        use=use if _is_hosted(workspace, use) else "",
        this_machine=is_this_machine(hosted),
        folders=tuple(_folder(workspace, name) for name in hosted.folders),
        ignored=lambda path: _ignored(workspace, path),
        denylist=hosted.denylist,
        max_bytes=hosted.max_bytes,
    )


def decide_document(workspace: Workspace, document: int, leaves: Sequence[str], use: str) -> Decision:
    """The gate's word on a document of the corpus: on the version that was taken, and on the file as it is now."""
    policy = policy_of(workspace, use)
    if not workspace.ledger.read("SELECT 1 FROM documents WHERE id = ? AND live = 1", (document,)):
        return Decision(LOCAL, (Reason("document", LOCAL, "a newer version has taken its place, or it was withdrawn"),))
    candidates = candidates_of(workspace, document, leaves)
    decisions = [decide(candidate, policy) for candidate in candidates]
    return next((d for d in decisions if d.verdict != ALLOW), decisions[0])


def candidates_of(workspace: Workspace, document: int, leaves: Sequence[str]) -> list[Candidate]:
    """The version that was taken, and the file as it is now if it is still there: a mark may have come since."""
    ((origin, place, path, version),) = workspace.ledger.read(
        "SELECT origin, place, path, version FROM documents WHERE id = ?", (document,)
    )
    if origin == "git":
        repository = Repository(workspace.root)
        name, file, taken = path, repository.top / path, repository.read_blob(version)
    else:
        file = Path(place) / path  # a note's path is absolute, and stays what it is
        name, kept = file.resolve().as_posix(), workspace.folder("store") / version.split("+")[-1]
        taken = kept.read_bytes()
    candidates = [Candidate(name, as_text(taken), leaves)]
    if origin != "note" and file.is_file() and (now := file.read_bytes()) != taken:
        candidates.append(Candidate(name, as_text(now), leaves))
    return candidates


def as_text(raw: bytes) -> str | None:
    """`raw` as text, or None."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def name_of_file(workspace: Workspace, file: Path) -> str:
    """What a file is called in `hosted.folders` and the ignore file: from the repository's root, else absolute."""
    real, top = file.resolve(), Repository(workspace.root).top.resolve()
    return real.relative_to(top).as_posix() if real.is_relative_to(top) else real.as_posix()


def _is_hosted(workspace: Workspace, use: str) -> bool:
    config = workspace.config
    chosen = {TAGGER: config.tagger.use, PAIRS: config.pairs.use, TRANSCRIPTS: config.notes.transcriber}
    return chosen.get(use) == "hosted"


def _folder(workspace: Workspace, name: str) -> str:
    """A folder of the configuration as paths are compared: links followed where it lies outside the repository."""
    path = Path(name).expanduser()
    return path.resolve().as_posix() if path.is_absolute() else PurePosixPath(name).as_posix()


def _ignored(workspace: Workspace, path: str) -> bool:
    """Whether the ignore file of the repository, or of a folder outside of it, names `path`; a broken one names all."""
    if not PurePosixPath(path).is_absolute():
        return _names(Repository(workspace.root).top / IGNORE_FILE, path)
    file = Path(path)
    return any(_names(above / IGNORE_FILE, file.relative_to(above).as_posix()) for above in file.parents)


def _names(ignore_file: Path, path: str) -> bool:
    """Whether `ignore_file` names `path`, in the language of .gitignore."""
    from dulwich.ignore import IgnoreFilter, Pattern, read_ignore_patterns
    from dulwich.wildmatch import MalformedPattern

    if not ignore_file.exists():
        return False
    try:
        with ignore_file.open("rb") as lines:
            patterns = list(read_ignore_patterns(lines))
        for pattern in patterns:
            Pattern(pattern)  # a filter would leave a broken line out, and with it what it was to protect
    except (OSError, MalformedPattern) as e:
        log.warning("%s cannot be used (%s), so every text stays here", ignore_file, e)
        return True
    return bool(IgnoreFilter(patterns).is_ignored(path))


def require_leave(workspace: Workspace, document: int, leaves: Sequence[str], use: str) -> None:
    """Raise unless `leaves`, passages of a document of the corpus, may be sent.

    `KeptHere` when they may not, `Refused` when nothing may be made of the document, `TryLater` on a machine that lends
    a hand.
    """
    if workspace.lent is not None:
        raise TryLater("the gate needs the blog's own files, so that machine has to ask", seconds=30.0)
    decision = decide_document(workspace, document, leaves, use)
    if decision.verdict == REFUSE:
        raise Refused(decision.why)
    if decision.verdict != ALLOW:
        raise KeptHere(decision.why)
