"""Whether a document may leave this machine: a pure function of its text and the author's policy, with its reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from tonewright.errors import BadInput, TonewrightError
from tonewright.hosted.leaks import find_leaks
from tonewright.posts import frontmatter

Verdict = Literal["allow", "local", "refuse"]
ALLOW: Verdict = "allow"  # it may be sent
LOCAL: Verdict = "local"  # only this machine may read it
REFUSE: Verdict = "refuse"  # nothing at all may be made of it

SHOWN = 3  # findings that a reason names

# What a header may say, with the answers that keep a post public. Anything else, and any value that is not clearly one
# of these, keeps it here: a mark that we misread would be a text that cannot be called back.
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0", "", "none"})
_PUBLIC_WHEN: dict[str, frozenset[str]] = {
    **dict.fromkeys(("private", "draft", "hidden", "unlisted", "secret", "confidential", "protected", "password"), _NO),
    **dict.fromkeys(("published", "publish", "public", "tonewright"), _YES | {""}),
    **dict.fromkeys(("status", "visibility", "access"), frozenset({"public", "published", "live", "final", ""})),
}
_NEVER = ("private", "tonewright", "confidential", "secret")  # not to be read at all; the others may change by tomorrow
_HEADER_ENDS = 30  # lines in which a mark outside of any header is still taken for one
_LOOSE_MARK = re.compile(
    rf"(?<![\w-])({'|'.join(_PUBLIC_WHEN)})[\"'*_`]*\s*[:=][\s\"'*_`]*(\w*)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


class KeptHere(TonewrightError):
    """A text may not leave this machine, or nothing is left to pay for it with: what works here has to do."""

    exit_code = 4


@dataclass(frozen=True)
class Candidate:
    """A document that somebody would like to send. `text` is the whole file, None where it cannot be read as text."""

    path: str  # from the repository's root, or absolute outside of it
    text: str | None
    leaves: Sequence[str] = ()  # what of it would be sent


@dataclass(frozen=True)
class Policy:
    """What the author decided. `ignored` says whether the ignore file names a path; a broken file names every path."""

    use: str  # what would be sent is for this: "tagger", "pairs" or "transcripts"; "" when nothing is hosted
    this_machine: bool
    folders: tuple[str, ...]
    ignored: Callable[[str], bool]
    denylist: tuple[str, ...] = ()
    max_bytes: int = 60_000


@dataclass(frozen=True)
class Reason:
    """What one gate said."""

    gate: str
    verdict: Verdict
    words: str


@dataclass(frozen=True)
class Decision:
    """The strictest verdict, and why; every gate that was asked is in `reasons`, in order."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """The first reason that is not a yes, or the last yes."""
        return next((r.words for r in self.reasons if r.verdict != ALLOW), self.reasons[-1].words)


def decide(candidate: Candidate, policy: Policy, *, thorough: bool = False) -> Decision:
    """Ask the gates in order, up to the first that says no; all of them when `thorough`."""
    reasons = []
    for name, gate in GATES.items():
        verdict, words = gate(candidate, policy)
        reasons.append(Reason(name, verdict, words))
        if verdict != ALLOW and not thorough:
            break
    return strictest(reasons)


def strictest(reasons: Sequence[Reason]) -> Decision:
    """The decision that `reasons` add up to."""
    order = (ALLOW, LOCAL, REFUSE)
    return Decision(max((r.verdict for r in reasons), key=order.index), tuple(reasons))


Answer = tuple[Verdict, str]


def _provider(candidate: Candidate, policy: Policy) -> Answer:
    if not policy.use:
        return LOCAL, "no hosted model is asked: tagger.use, pairs.use and notes.transcriber name others"
    return ALLOW, "the model runs on this machine" if policy.this_machine else f"{policy.use} may use the hosted model"


def _folder(candidate: Candidate, policy: Policy) -> Answer:
    if policy.this_machine:
        return ALLOW, "no folder needs to be opted in for this machine"
    path = PurePosixPath(candidate.path)
    if ".." in path.parts:
        return LOCAL, "its path leads upwards"
    inside = next((f for f in policy.folders if _is_below(path, f)), None)
    if inside is None:
        return LOCAL, "it is in no folder that hosted.folders opts in"
    return ALLOW, f"hosted.folders opts {inside} in"


def _is_below(path: PurePosixPath, folder: str) -> bool:
    above = PurePosixPath(folder)
    return path.is_absolute() == above.is_absolute() and path.is_relative_to(above)


def _front_matter(candidate: Candidate, policy: Policy) -> Answer:
    """`private`, `draft` and their kin; what cannot be parsed, or is said outside of a header, counts as private."""
    text = candidate.text
    if text is None:
        return REFUSE, "it cannot be read as text, so nobody knows whether it is private"
    try:
        front = frontmatter.split(text, candidate.path)
    except BadInput as e:
        return REFUSE, f"its header cannot be read ({e.what}), so it counts as private"
    elsewhere = "\n".join(text.split("\n")[:_HEADER_ENDS]) if front.format == "none" else ""
    marks = [*_marks(front.data), *_loose_marks("\n".join([elsewhere, *_COMMENT.findall(text)]))]
    found = [(key, value) for key, value in marks if value not in _PUBLIC_WHEN[key]]
    for key, value in sorted(found, key=lambda mark: mark[0] not in _NEVER):
        return REFUSE if key in _NEVER else LOCAL, f"its header says {key}: {value}"
    return ALLOW, "its header keeps nothing back"


def _marks(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, value) of every mark in a header, at any depth, in lower case."""
    for key, value in data.items():
        name = str(key).strip().lower()
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield from _marks(part)
        if name in _PUBLIC_WHEN:
            yield name, "" if value is None else str(value).strip().lower()


def _loose_marks(text: str) -> list[tuple[str, str]]:
    """Marks outside of any header that we know: in comments, in JSON, below a fence that is not at the start."""
    found = ((m[1].lower(), m[2].lower()) for m in _LOOSE_MARK.finditer(text))
    return [(key, value) for key, value in found if value in _YES | _NO | {"draft", "private"}]


def _ignore_file(candidate: Candidate, policy: Policy) -> Answer:
    if policy.this_machine:
        return ALLOW, "the ignore file is about other machines"
    if policy.ignored(candidate.path):
        return LOCAL, "the ignore file names it"
    return ALLOW, "no line of the ignore file names it"


def _scan(candidate: Candidate, policy: Policy) -> Answer:
    if policy.this_machine:
        return ALLOW, "secrets may be read on this machine"
    found = find_leaks(candidate.text or "", candidate.leaves, policy.denylist)
    if not found:
        return ALLOW, "no secret and nothing personal was found"
    named = "; ".join(f"line {f.line}: {f.kind}" if f.line else f.kind for f in found[:SHOWN])
    return LOCAL, f"it holds what should stay here ({named}{'; …' if len(found) > SHOWN else ''})"


def _size(candidate: Candidate, policy: Policy) -> Answer:
    size = sum(len(text.encode()) for text in candidate.leaves)
    if size > policy.max_bytes and not policy.this_machine:
        return LOCAL, f"{size:,} bytes would leave, more than hosted.max_bytes"
    return ALLOW, f"{size:,} bytes would leave"


# From the cheapest to ask to the dearest; each is asked only where the one before said yes.
GATES: dict[str, Callable[[Candidate, Policy], Answer]] = {
    "provider": _provider,
    "folder": _folder,
    "front matter": _front_matter,
    "ignore file": _ignore_file,
    "scan": _scan,
    "size": _size,
}
