"""What writers leak is found, masked and told with its line; what they write on purpose is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.secrets import find_secrets

# Put together here, so that no scanner takes this file for a leak.
RANDOM = "q7Rv2LxM9tKd4WsZ8bNc" + "1HfJ6gYp"
AWS = "wJalrXUtnFEMI/K7MDENG" + "/bPxRfiCYzEXAMPLEKEY"
POSITIVES = [
    ("my key sk-" + RANDOM + " stopped working", "an OpenAI key"),
    ("it was sk-proj-" + RANDOM + "-" + RANDOM + ", I think", "an OpenAI key"),
    ("sk-ant-api03-" + RANDOM, "an Anthropic key"),
    ("login with hf_" + RANDOM + ".", "a Hugging Face token"),
    ("`ghp_" + RANDOM + "`", "a GitHub token"),
    ("gho_" + RANDOM, "a GitHub token"),
    ("github_pat_" + RANDOM, "a GitHub token"),
    ("glpat-" + RANDOM[:20], "a GitLab token"),
    ("xoxb-" + "1234567890-abcdefghij", "a Slack token"),
    ("the id is AKIA" + "IOSFODNN7EXAMPLE", "an AWS access key"),
    (f"and the secret {AWS} goes with it", "a key or token"),
    ("key=AIza" + RANDOM + "abcdefgh", "a Google API key"),
    ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "a signed token (JWT)"),
    ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
    ("postgres://ines:" + "hunter22@db.example.org/blog", "a password in an address"),
    ("the wifi password is " + "Boat-house-9", "a password"),
    ("Das Passwort lautet „" + "geheim“ und gilt für alle.", "a password"),
    ("passphrase: `" + "correct horse battery staple`", "a password"),
    ("the password for the archive was hunter" + "22!", "a password"),
    ("pay to DE89 3704 0044 " + "0532 0130 00 please", "a bank account (IBAN)"),
    ("GB82WEST1234" + "5698765432", "a bank account (IBAN)"),
    ("my card 4111 1111 " + "1111 1111 was refused", "a card number"),
    ("Amex 3782 822463 " + "10005", "a card number"),
    ("what is " + RANDOM + " doing here", "a key or token"),
    ("API token 9f86d081884c7d659a2f" + "eaa0c55ad015a3bf4f1b", "a key or token"),
]
NEGATIVES = [
    "The password is required, and the password is wrong; my password is terrible.",
    "Das Passwort ist falsch. Password: see above.",
    'The password: "I forgot it again," she said.',
    "Fixed in 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b, see 82d694d.",
    "id 123e4567-e89b-12d3-a456-426614174000 is a UUID",
    "![a boat](/assets/IMG_20260102_123456aBcDeFgHiJk9-edited.jpg)",
    "https://example.org/watch?v=dQw4w9WgXcQaBcDeFgHiJkLmNoPq",
    "![dot](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf)",
    "integrity sha384-oqVuAfXRKap7fdgcCY5uykM6R9GqQ8KuxqyM7pCWyYxRq8vE2Y1dnzQ",
    "ISBN 978-3-16-148410-0, and 1234 5678 9012 3456 is no card",
    "DE89 3704 0044 0532 0130 01 has a wrong digit",
    "tonewright/ledger/schema/migrations2026/Version2Of3.py",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen2026",
    "skating on thin ice, sk-ating, hf_model, eyJust",
    "write to ines@example.org or call +49 30 1234567",
    "http://localhost:8080/path@2x and https://example.org:443",
]


@pytest.mark.parametrize(("text", "kind"), POSITIVES)
def test_leaks_are_found(text: str, kind: str) -> None:
    """Each is told with its kind and line, once, and the secret itself is not shown."""
    (found,) = find_secrets(f"Some words before.\n\n{text}\nand after.\n")
    assert (found.line, found.kind) == (3, kind)
    shown = found.shown.partition("…")[0]
    assert len(shown) <= 4


@pytest.mark.parametrize("text", NEGATIVES)
def test_prose_is_left_alone(text: str) -> None:
    """What authors write for its meaning, quote as evidence or link to is no secret."""
    assert find_secrets(text) == []


def test_the_posts_of_the_example_blog_hold_none() -> None:
    """Two years of real prose, no false alarm, with contacts or without."""
    posts = list((Path(__file__).parents[2] / "examples/blog/_posts").glob("*.md"))
    assert len(posts) > 10
    assert [find_secrets(p.read_text(encoding="utf-8"), contacts=True) for p in posts] == [[]] * len(posts)


def test_contacts_are_an_option() -> None:
    """E-mail addresses and phone numbers are found when they are asked for."""
    text = "write to ines@example.org or call +49 30 1234567"
    assert [f.kind for f in find_secrets(text, contacts=True)] == ["an e-mail address", "a phone number"]


def test_a_line_can_be_excused() -> None:
    """The comment excuses its own line and no other."""
    text = f"hf_{RANDOM} <!-- tonewright: not a secret -->\nhf_{RANDOM}"
    assert [f.line for f in find_secrets(text)] == [2]


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_searched(before: str, after: str) -> None:
    """A key stands out whatever is written on the lines around it."""
    lines = f"{before}\nhf_{RANDOM}\n{after}".split("\n")
    found = find_secrets("\n".join(lines))
    assert lines.index(f"hf_{RANDOM}") + 1 in [f.line for f in found]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["sk-", "eyJ-", "a-", "a.", "a@", "http://", "password is ", "DE89 ", "](", "0"])
def test_no_line_takes_long(piece: str) -> None:
    """A line of sixty thousand characters made to keep the patterns busy is searched well within the time limit."""
    find_secrets(piece * (60_000 // len(piece)), contacts=True)
