"""The gate, one answer at a time: a pure function of a path, a text and a policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("detect_secrets")

from tests.leaky import MARKS, OPEN
from tonewright.hosted.gate import ALLOW, GATES, LOCAL, REFUSE, Candidate, Policy, decide

BODY = "\n\nThe lift is out of order again, which the sign describes as a temporary measure.\n"
POLICY = Policy(use="tagger", this_machine=False, folders=("_posts", "/home/ines/notes"), ignored=lambda path: False)


def verdict(path: str = "_posts/lift.md", text: str | None = BODY, policy: Policy = POLICY, leaves: str = BODY) -> str:
    return decide(Candidate(path, text, (leaves,)), policy).verdict


@pytest.mark.parametrize("header", OPEN)
def test_open_headers(header: str) -> None:
    """A header that keeps nothing back lets the post leave."""
    assert verdict(text=header.replace("%s", "title: Lift") + BODY) == ALLOW


@pytest.mark.parametrize("header", MARKS)
def test_private_marks(header: str) -> None:
    """A private mark in any spelling, or a header that cannot be read, keeps the post."""
    assert verdict(text=header.replace("%s", "title: Lift") + BODY) in (LOCAL, REFUSE)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("_posts/a.md", True),
        ("_posts/deep/a.md", True),
        ("_postscripts/a.md", False),
        ("other/_posts/a.md", False),
        ("_posts/../diary/a.md", False),
        ("/home/ines/notes/dry/a.md", True),
        ("/home/ines/notes2/a.md", False),
        ("home/ines/notes/a.md", False),
        ("/_posts/a.md", False),
    ],
)
def test_folders(path: str, allowed: bool) -> None:
    """Only what is below an opted-in folder leaves: names that merely look alike do not count."""
    assert verdict(path) == (ALLOW if allowed else LOCAL)


def test_off_by_default() -> None:
    """Without a hosted model in the configuration everything stays, whatever else it says."""
    assert verdict(policy=replace(POLICY, use="")) == LOCAL
    assert verdict(policy=replace(POLICY, folders=())) == LOCAL


def test_the_last_gates() -> None:
    """The ignore file, a secret, a listed word and the size each keep a post; an excused line does not."""
    assert verdict(policy=replace(POLICY, ignored=lambda path: path.endswith("lift.md"))) == LOCAL
    assert verdict(text=BODY + "\nThe wifi password is hunter2xyz.\n") == LOCAL
    assert verdict(text=BODY + "\nThe wifi password is hunter2xyz. <!-- tonewright: not a secret -->\n") == ALLOW
    assert verdict(text=BODY + "\nThe wifi\npassword is\nhunter2xyz, of all words.\n") == LOCAL
    assert verdict(text=BODY + "\nWrite to ines@example.net\n") == LOCAL
    assert verdict(leaves="call me on +49 151 23456789") == LOCAL
    assert verdict(text=BODY + "\nAunt\nHertha came.\n", policy=replace(POLICY, denylist=("aunt hertha",))) == LOCAL
    assert verdict(policy=replace(POLICY, max_bytes=10)) == LOCAL
    assert verdict(text=None) == REFUSE


def test_this_machine_reads_everything_but_what_is_private() -> None:
    """A server on this machine needs no folder and may see secrets; a private post it does not get either."""
    here = replace(POLICY, this_machine=True, folders=())
    assert verdict("diary/a.md", BODY + "\nThe wifi password is hunter2xyz.\n", here) == ALLOW
    assert verdict("diary/a.md", f"---\nprivate: true\n---\n{BODY}", here) == REFUSE


def test_every_gate_speaks() -> None:
    """A thorough decision has the word of each gate in order, and the strictest of them counts."""
    decision = decide(Candidate("diary/a.md", f"---\nprivate: true\n---\n{BODY}", (BODY,)), POLICY, thorough=True)
    assert [reason.gate for reason in decision.reasons] == list(GATES)
    assert decision.verdict == REFUSE
    assert decision.why == "it is in no folder that hosted.folders opts in"
