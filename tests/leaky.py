"""Posts that a careless author might write: with secrets of every kind, private marks in every spelling, and good ones.

Everything is made up from a seed; no key here was ever anybody's.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"

IGNORE_FILE = "# what stays\n*-ignored.md\n/_posts/family/\nletters/**\n!letters/open-*.md\n"
DENYLIST = ("Fritz Obermüller", "Project Heron")

# Headers that keep a post here, as people write them. `%s` is the title's line.
MARKS = (
    *("---\n%s\nprivate: true\n---\n", "---\n%s\nPrivate: Yes\n---\n", "---\n%s\nPRIVATE: 'on'\n---\n"),
    *("---\n%s\nprivate: maybe\n---\n", "---\n%s\nprivate: [family]\n---\n", "---\n%s\nprivate: 1\n---\n"),
    *("---\n%s\ndraft: true\n---\n", "---\n%s\nDraft: TRUE\n---\n", "---\n%s\ndraft: almost\n---\n"),
    *("---\n%s\npublished: false\n---\n", "---\n%s\nPublished: no\n---\n", "---\n%s\npublish: false\n---\n"),
    *("---\n%s\ntonewright: no\n---\n", "---\n%s\ntonewright: off\n---\n", "---\n%s\ntonewright: never\n---\n"),
    *("---\n%s\nvisibility: private\n---\n", "---\n%s\nstatus: draft\n---\n", "---\n%s\naccess: friends\n---\n"),
    *("---\n%s\nhidden: true\n---\n", "---\n%s\nunlisted: yes\n---\n", "---\n%s\nextra:\n  private: true\n---\n"),
    *("---\n%s\nparams:\n  draft: true\n---\n", "---\n%s\nmeta:\n  deep:\n    private: true\n---\n"),
    *('+++\ntitle = "x"\nprivate = true\n+++\n', '+++\ntitle = "x"\n[extra]\ntonewright = false\n+++\n'),
    *('{"title": "x", "private": true}\n', '{\n  "draft": true\n}\n', "\n---\n%s\nprivate: true\n---\n"),
    *(
        "<!-- private: true -->\n",
        "---\n%s\n---\n<!-- draft = yes -->\n",
        "**Private:** yes\n",
        " ---\n%s\ndraft: true\n---\n",
        ";;;\nprivate: true\n;;;\n",
    ),
    *("---\n%s\nprivate: true\n", "---\n%s\ntags: [a\n---\n", "---\n\tprivate: true\n---\n", "---\n- private\n---\n"),
    *("\ufeff---\r\n%s\r\nprivate: true\r\n---\r\n", "+++\nprivate: true\n+++\n", "---\n%s\nprivate : true\n---\n"),
)
# Headers that keep nothing back.
OPEN = (
    *(
        "---\n%s\n---\n",
        "---\n%s\nprivate: false\n---\n",
        "---\n%s\ndraft: no\n---\n",
        "---\n%s\npublished: true\n---\n",
    ),
    *('+++\ntitle = "x"\n+++\n', "---\n%s\ndate: 2026-01-02 08:30:00 +0100\ntags: [lift, stairs]\n---\n", ""),
    *("---\n%s\ntonewright: yes\n---\n", "---\n%s\nextra:\n  draft: false\n---\n", "---\n%s\nstatus: published\n---\n"),
)
# Where in a post a secret may stand; `%s` is the secret.
PLACES = (
    "Nobody reads this far, so here it is: %s, and that is that, as far as I am concerned today.",
    "The note on the fridge says\n%s\nand it has said so for as long as anybody in this house can remember.",
    "```python\nlogin(%s)\n```",
    "> somebody once wrote %s on the wall of this very lift, and nobody has painted over it since then",
    "- first the stairs\n- then %s\n- then the lift",
    "It was `%s` all along, which I learned on a Tuesday from the only person who still answers the phone.",
    "<!-- %s -->",
)


@dataclass(frozen=True)
class Leaky:
    """A post, and the strings in it that must (or must not) be found at a host's."""

    path: str
    text: str
    kind: str
    marks: tuple[str, ...]
    may_leave: bool
    edited: str = ""  # what its author has made of it since, without a commit


def secrets(chance: random.Random) -> dict[str, str]:
    """One of each kind."""

    def some(alphabet: str, number: int) -> str:
        return "".join(chance.choice(alphabet) for _ in range(number - 4)) + "a" + "7" + "Q" + "b"

    jwt = ".".join(_b64(json.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": some(ALNUM, 12)}))
    return {
        "openai": f"sk-proj-{some(ALNUM, 44)}",
        "anthropic": f"sk-ant-api03-{some(ALNUM, 40)}",
        "huggingface": f"hf_{some(ALNUM, 34)}",
        "github": f"ghp_{some(ALNUM, 36)}",
        "gitlab": f"glpat-{some(ALNUM, 20)}",
        "slack": f"xoxb-{some(string.digits, 12)}-{some(ALNUM, 24)}",
        "stripe": f"sk_live_{some(ALNUM, 24)}",
        "aws id": f"AKIA{''.join(chance.choice(UPPER) for _ in range(16))}",
        "aws secret": f"my AWS secret key is {some(ALNUM + '+/', 40)}",
        "google": f"AIza{some(ALNUM, 35)}",
        "npm": f"npm_{some(ALNUM, 36)}",
        "jwt": f"{jwt}.{some(ALNUM, 30)}",
        "pem": "-----BEGIN OPENSSH PRIVATE KEY-----",
        "password": f"the wifi password is {some(ALNUM, 10)}",
        "quoted password": f'Passwort: "{chance.choice(("swordfish", "rosebud"))} {some(string.ascii_lowercase, 6)}"',
        "url": f"https://ines:{some(ALNUM, 9)}@files.example.org/private",
        "iban": _iban("DE", "".join(chance.choice(string.digits) for _ in range(18))),
        "card": _card("4" + "".join(chance.choice(string.digits) for _ in range(14))),
        "e-mail": f"{some(string.ascii_lowercase, 8)}@example.net",
        "phone": f"+49 151 {chance.randrange(10**7, 10**8)}",
        "local phone": f"0{chance.randrange(20, 90)} {chance.randrange(100, 999)} {chance.randrange(1000, 9999)}",
        "token": some(ALNUM, 32),
        "keyword": f'api_key = "{some(ALNUM, 20)}"',
        "hex key": f'"{"".join(chance.choice(HEX) for _ in range(40))}"',
        "sendgrid": f"SG.{some(ALNUM, 22)}.{some(ALNUM, 43)}",
        "twilio": f"SK{''.join(chance.choice(HEX) for _ in range(32))}",
        "telegram": f"{chance.randrange(10**9, 10**10 - 1)}:AA{some(ALNUM, 33)}",
        "denylist": chance.choice(DENYLIST).lower(),
        "address": f"{chance.randrange(11, 99)}.{chance.randrange(11, 99)}.{chance.randrange(11, 99)}.13",
    }


def hidden(secret: str, chance: random.Random) -> str:
    """`secret` as it may come out of a word processor: with an invisible character in it, now and then."""
    if chance.random() < 0.9:
        return secret
    at = chance.randrange(1, len(secret))
    return secret[:at] + chance.choice("\u200b\u00ad\u2060") + secret[at:]


def posts(number: int, seed: int = 11) -> Iterator[Leaky]:
    """`number` posts of all kinds, about half of them good."""
    chance = random.Random(seed)
    makers: list[Callable[[int, random.Random], Leaky]] = [_marked, _planted, _planted, _elsewhere, _ignored, _edited]
    for n in range(number):
        yield _good(n, chance) if n % 2 else makers[n // 2 % len(makers)](n, chance)


def _good(n: int, chance: random.Random) -> Leaky:
    header = OPEN[n // 2 % len(OPEN)]
    commit = "See commit 3f2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b for the exact moment at which the lift gave up."
    extra = chance.choice((commit, ""))
    return Leaky(f"_posts/2026-01-02-good-{n}.md", _text(header, n, extra), "good", (_canary(n),), True)


def _marked(n: int, chance: random.Random) -> Leaky:
    mark = MARKS[n // 12 % len(MARKS)]
    return Leaky(f"_posts/2026-01-02-marked-{n}.md", _text(mark, n, ""), f"mark {mark!r}", (_canary(n),), False)


def _planted(n: int, chance: random.Random) -> Leaky:
    kinds = secrets(chance)
    kind = list(kinds)[n // 2 % len(kinds)]
    told = hidden(kinds[kind], chance) if kind not in ("iban", "card", "denylist", "aws id") else kinds[kind]
    place = chance.choice(PLACES)
    header = f"---\n%s\nnote: '{told}'\n---\n" if chance.random() < 0.15 and "'" not in told else "---\n%s\n---\n"
    plant = "" if "note:" in header else place.replace("%s", told)
    return Leaky(
        f"_posts/2026-01-02-planted-{n}.md", _text(header, n, plant), f"{kind} in {place!r}", (_canary(n), told), False
    )


def _elsewhere(n: int, chance: random.Random) -> Leaky:
    folder = chance.choice(("journal", "_drafts", "_postscripts", "journal/_posts"))
    return Leaky(f"{folder}/2026-01-02-other-{n}.md", _text(OPEN[0], n, ""), "folder", (_canary(n),), False)


def _ignored(n: int, chance: random.Random) -> Leaky:
    path = chance.choice(
        ("_posts/2026-01-02-%d-ignored.md", "_posts/family/2026-01-02-%d.md", "letters/2026-01-02-%d.md")
    )
    return Leaky(path % n, _text(OPEN[0], n, ""), "ignore file", (_canary(n),), False)


def _edited(n: int, chance: random.Random) -> Leaky:
    mark = chance.choice(MARKS[:9])
    path = f"_posts/2026-01-02-edited-{n}.md"
    return Leaky(path, _text(OPEN[0], n, ""), "marked since", (_canary(n),), False, _text(mark, n, ""))


def _canary(n: int) -> str:
    """A word that is in no other post."""
    return f"canary{n}bird"


def _text(header: str, n: int, plant: str) -> str:
    body = f"The lift and the {_canary(n)} were out of order again, which the sign described as a temporary measure."
    end = "Everybody took the stairs, and nobody said a word about it until we were all on the fourth floor."
    return "\n\n".join(filter(None, [header.replace("%s", f"title: Lift {n}"), body, plant, end])) + "\n"


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _iban(country: str, account: str) -> str:
    digits = "".join(str(int(c, 36)) for c in account + country + "00")
    number = f"{country}{98 - int(digits) % 97:02d}{account}"
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def _card(start: str) -> str:
    for last in string.digits:
        digits = start + last
        if sum(int(d) for d in digits[-1::-2]) + sum(sum(divmod(2 * int(d), 10)) for d in digits[-2::-2]) in range(
            0, 999, 10
        ):
            return " ".join(digits[i : i + 4] for i in range(0, 16, 4))
    raise AssertionError
