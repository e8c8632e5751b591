"""What a writer leaks without noticing: keys, passwords, account numbers, found in prose with their lines.

Three kinds of evidence. Keys of known services have a shape of their own and count wherever they stand. "The password
is ..." counts by its words. Anything else has to look random: a long run of mixed letters and digits outside of links
and of what authors quote on purpose (commit ids, checksums, UUIDs, images in data URIs). Account and card numbers
count only if their check digits hold.

E-mail addresses and phone numbers are looked for on request alone: a blog may well publish its author's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

_EXCUSE = re.compile(r"<!--\s*tonewright:\s*not a secret\s*-->")

# Repetitions have bounds wherever what follows them may be missing, so that no line takes long.
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(shape))
    for kind, shape in (
        ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
        ("an Anthropic key", r"\bsk-ant-[\w-]{20,}"),
        ("an OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-)?(?=[\w-]{0,200}\d)[A-Za-z0-9_-]{20,}"),
        ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{20,}"),
        ("a GitHub token", r"\b(?:gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
        ("a GitLab token", r"\bglpat-[\w-]{16,}"),
        ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("a Stripe key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
        ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
        ("a Google API key", r"\bAIza[\w-]{30,}"),
        ("an npm or PyPI token", r"\b(?:npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,})"),
        ("a signed token (JWT)", r"\beyJ[\w-]{8,2000}\.eyJ[\w-]{8,2000}\.[\w-]*"),
        ("a password in an address", r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@<>\"']{1,200}:[^\s/@<>\"']{1,200}@[\w.-]+"),
    )
)
_SAID = re.compile(
    r"(?i:\b(?:pass(?:word|phrase|code)|passwort|kennwort|pin(?: code| number)?|wi-?fi key|mot de passe)\b"
    r"(?:\s+(?:for|of|to|für|zum|zur|vom|de)\s+[^.:;!?\n]{1,40}?)?\s*(?:\bis\b|\bwas\b|\blautet\b|\bist\b|\best\b|[:=])\s*:?)"
    r"\s*(?:[\"'“‘„«`]+([^\"'”’“»`\n]{4,60})[\"'”’“»`]|([^\s\"'“‘„«`]{4,60}))"
)
_PLAIN_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_IBAN = re.compile(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b")
_CARD = re.compile(r"(?<![\d.,-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -]?)\d{6}\2\d{5})(?![\d.,-]*\d)")
_CARD_ISSUERS = ("34", "37", "4", "51", "52", "53", "54", "55", "6011", "65", *(str(n) for n in range(2221, 2721)))
_LINK = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{0,20}://|www\.|data:)[^\s<>\"']+|\]\([^()\s]*\)|\bsha\d{3}-\S+", re.IGNORECASE
)
_RUN = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_=-]{20,}(?![\w+/=-])")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMED = re.compile(r"(?i)\b(?:secret|token|api[ _-]?key|access[ _-]?key|private[ _-]?key)\b")
_EMAIL = re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")
_PHONE = re.compile(r"(?<![\w.+-])(?:\+\d{1,3}[ ./-]?|0)(?:\(?\d{1,5}\)?[ ./-]?){2,5}\d{2,}(?![\w-])")

# Bits per character. English words have 2.5 to 3.5 at this length, random base64 of 20 characters about 4.1.
_RANDOM_BITS = 3.6
# Lengths of the IBANs of the countries that have them, from the registry's most used.
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "TR": 26, "UA": 29, "AE": 23, "BR": 29, "IL": 23, "SA": 24,
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Finding:
    """Something that should not be read by everybody; `line` from 1, `shown` without its secret part."""

    line: int
    kind: str
    shown: str


def find_secrets(text: str, *, contacts: bool = False) -> list[Finding]:
    """Every secret in `text`, in the order of lines; `contacts` adds e-mail addresses and phone numbers.

    A line with `<!-- tonewright: not a secret -->` on it is excused.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) < 8 or _EXCUSE.search(line):
            continue
        taken: list[tuple[int, int]] = []
        for kind, start, end in _in_line(line, contacts=contacts):
            if all(end <= a or start >= b for a, b in taken):  # the first rule that knows it names it
                taken.append((start, end))
                found.append(Finding(number, kind, _masked(line[start:end])))
    return found


def _in_line(line: str, *, contacts: bool) -> Iterator[tuple[str, int, int]]:
    """(kind, start, end) of what each rule finds, the surest rules first."""
    for kind, shape in _SHAPES:
        for found in shape.finditer(line):
            yield kind, *found.span()
    for said in _SAID.finditer(line):
        quoted = said[1] is not None
        if not said[1].endswith((",", ".", "!", "?")) if quoted else _is_password(said[2]):
            yield "a password", *said.span(1 if quoted else 2)
    for iban in _IBAN.finditer(line):
        if _is_iban(iban[1].replace(" ", "")):
            yield "a bank account (IBAN)", *iban.span()
    for card in _CARD.finditer(line):
        digits = re.sub(r"\D", "", card[0])
        if digits.startswith(_CARD_ISSUERS) and _luhn(digits):
            yield "a card number", *card.span()
    if contacts:
        yield from (("an e-mail address", *found.span()) for found in _EMAIL.finditer(line))
        yield from (("a phone number", *found.span()) for found in _PHONE.finditer(line))
    bare = _LINK.sub(lambda link: " " * len(link[0]), line)
    for run in _RUN.finditer(bare):
        if _is_random(run[0], named=bool(_NAMED.search(line))):
            yield "a key or token", *run.span()


def _is_password(word: str) -> bool:
    """Whether the unquoted word after "the password is" is one: nobody would write it for its meaning.

    A plain word ("the password is required") is taken for one only in quotation marks.
    """
    bare = word.rstrip(".,;:!?)")
    if _PLAIN_WORD.fullmatch(bare):
        return any(c.isupper() for c in bare[1:]) and not bare.isupper()
    return len(bare) >= 4 and any(c.isalnum() for c in bare) and not bare.startswith(("http", "<", "{", "[", "…", "*"))


def _is_iban(number: str) -> bool:
    """ISO 13616: the country's length, and 1 modulo 97 with the first four characters moved to the end."""
    if len(number) != _IBAN_LENGTHS.get(number[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, the sum of all digits a multiple of ten."""
    total = sum(int(d) for d in digits[-1::-2])
    return (total + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2])) % 10 == 0


def _is_random(run: str, *, named: bool) -> bool:
    """Whether a run of characters was drawn by a machine. `named`: the line speaks of a token or key.

    Hexadecimal alone is a commit or a checksum unless it is named. Names in paths and identifiers are cut at their
    separators first, so that only what is long without any of them is looked at.
    """
    if _UUID.fullmatch(run) or re.fullmatch(r"[0-9a-fA-F]+", run):
        return named and len(run) >= 32 and not _UUID.fullmatch(run)
    pieces = [run] if named and len(run) >= 32 else re.split(r"[/_=+-]", run)
    return any(
        len(piece) >= 20
        and sum(c.isdigit() for c in piece) >= (1 if named else 2)
        and any(c.isupper() for c in piece)
        and any(c.islower() for c in piece)
        and _bits(piece) >= _RANDOM_BITS
        for piece in pieces
    )


def _bits(text: str) -> float:
    """Shannon's entropy of the characters of `text`, in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _masked(secret: str) -> str:
    """The beginning, at most a quarter and four characters, and the length."""
    return f"{secret[: min(4, len(secret) // 4)]}…, {len(secret)} characters"
