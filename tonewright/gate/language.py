"""The little that the gate knows about language: words, sentences, numbers, and which words carry no content.

Numbers in words, sentence ends and the list of function words are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'”’)\]]*(?=\s|$)|$)", re.DOTALL)
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|st|prof|vs|e\.g|i\.e|cf|[a-z])\.$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_OPENS_SPEECH = re.compile(r"[\"“‘:*_(]\s*$")


def words(text: str) -> list[str]:
    """The words of `text` in lower case, with straight apostrophes; punctuation is left out."""
    return [w.lower().replace("’", "'") for w in _WORD.findall(text)]


# The words that carry grammar and manner rather than content.
FUNCTION_WORDS = tuple(
    words(
        """the a an and but or so if then than that which who whom whose what when where why how as at by
        for from in into of off on onto out over to under up with without about after again against all
        almost also always am any are because been before being between both can could did do does down
        each either enough ever every few had has have having he her here hers him his i is it its
        itself just less like many may me might more most much must my myself neither never no nobody
        none nor not nothing now one only other our ours own perhaps quite rather really same shall she
        should since some still such their them themselves there these they this those though through
        too until upon us very was we well were while will would yet you your"""
    )
)
_FUNCTION = frozenset(FUNCTION_WORDS)
_SMALL = {
    word: value
    for value, word in enumerate(
        words(
            """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
            sixteen seventeen eighteen nineteen"""
        )
    )
} | {w: 10 * n for n, w in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"), 2)}
_SCALES = {"thousand": 1000, "million": 1000000}


def sentences(text: str) -> list[str]:
    """The sentences of `text`, stripped; "Mr." and initials do not end one."""
    found: list[str] = []
    for match in _SENTENCE.finditer(text):
        piece = match[0].strip()
        if found and _ABBREVIATION.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def is_content(word: str) -> bool:
    """Whether a word (in lower case) says what a text is about, rather than holding it together."""
    return word not in _FUNCTION


def stem(word: str) -> str:
    """The beginning of a word: crude, and enough to see that "answered" and "answer" are one."""
    return re.sub(r"(?<=\w{3})(?:'s|ing|ed|es|s)$", "", word)[:5]


def content(text: str) -> set[str]:
    """The stems of the words that say what `text` is about."""
    return {stem(w) for w in words(text) if is_content(w)}


def numbers(text: str) -> list[str]:
    """The numbers of `text` as digits: "1,106" is 1106 and "two hundred and twelve" is 212.

    A lone "one" is mostly a pronoun and does not count.
    """
    return [_canonical(n) for n in _DIGITS.findall(text)] + [str(n) for n in _spelled(text)]


def names(text: str) -> list[str]:
    """Capitalised words, without the possessive, that do not begin a sentence, a quotation or a list."""
    found = []
    for sentence in sentences(text):
        for match in list(_WORD.finditer(sentence))[1:]:
            word = match[0].replace("’", "'").removesuffix("'s")
            if not word[0].isupper() or len(word) < 2 or word.startswith("I'"):
                continue
            if not _OPENS_SPEECH.search(sentence[: match.start()]):
                found.append(word)
    return found


def _canonical(number: str) -> str:
    return number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) else number


def _spelled(text: str) -> Iterator[int]:
    """The numbers that `text` spells out, each as soon as the word after it shows that it is over."""
    total = current = 0
    pieces = [piece for word in words(text) for piece in word.split("-")]
    for word in [*pieces, ""]:
        small = _SMALL.get(word, 0)
        after_ten = small < 10 and current % 100 >= 20 and current % 10 == 0
        if small and (current % 100 == 0 or after_ten):
            current += small
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        elif word != "and" or (total == 0 and current < 100):
            if total + current > 1:
                yield total + current
            total, current = 0, small
