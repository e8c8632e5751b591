"""A plain version by rules alone: manner goes, content stays, and the same text always gives the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tonewright.gate.language import FUNCTION_WORDS, numbers, sentences, words
from tonewright.gate.measures import kept, similarity

# What takes the place of each match, in this order. A change that would lose a fact is not made.
_CHANGES: tuple[tuple[str, str], ...] = (
    # emphasis, brackets, asides between dashes
    (r"(?<!\w)([*_]{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2"),
    (r"\s*\([^()]*\)", ""),
    (r"\s+[—–]\s+[^—–.!?]*\s+[—–]\s+|—[^—.!?]*—", " "),
    (r"\s*[—–]\s*(?=\D)", ", "),
    # similes
    (r",? (?:as though|as if|as you would|the way (?:people|you)\b)[^.,;:!?]*|, like [^.,;:!?]*", ""),
    # asides to the reader, openers, intensifiers
    (r"\b(?:of course|to be fair|to be honest|needless to say|I have to say|I must (?:say|admit)),? ?", ""),
    (r"\b(?:frankly|honestly|naturally|obviously|apparently|admittedly|mercifully|sadly|happily),? ?", ""),
    (
        r"(?:(?<=[.!?] )|^)(?:And so|And|But|So(?! far| much| many| long| as)|Mind you,|Then again,) (?=\w)",
        "",
    ),
    (r"(?:(?<=[.!?] )|^)(?:Now|Well|Oh|Anyway|Still|Alas|Yes), ", ""),
    (r", (?:mind|you know|I suppose|I think|I dare say|if you like)(?=[,.;])", ""),
    (r"\b(?:very|really|simply|absolutely|utterly|completely|totally|extremely|literally|actually) ", ""),
    (r"\b(?:perfectly|entirely|terribly|(?<!would )rather(?! than)|quite|fairly|a bit(?! of)) (?=[a-z])", ""),
    # contractions
    (r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)n['’]t\b", r"\1 not"),
    (r"\bcan['’]t\b", "cannot"),
    (r"\bwon['’]t\b", "will not"),
    (r"\bI['’]m\b", "I am"),
    (r"\b(\w+)['’]ve\b", r"\1 have"),
    (r"\b(\w+)['’]re\b", r"\1 are"),
    (r"\b(\w+)['’]ll\b", r"\1 will"),
    (r"\b(it|that|there)['’]s\b(?! (?:been|got|had)\b)", r"\1 is"),
    # long sentences
    (r"(?:; |, (?:and|but|so) )(?:and |but |so )?(?:then )?(?=(?:I|you|he|she|it|we|they|there)\b)", ". "),
    (r"; ", ". "),
    (r"…|!+\??|\?!+", "."),
)
# What a gist leaves out: the words that only hold a sentence together. Denials, numbers and who did it stay.
_GLUE = frozenset(FUNCTION_WORDS) - frozenset(
    words(
        """not no never none nobody nothing neither nor without one few every each i he she we they you my his
        her our their your who after before against between under over up down off out"""
    )
)
_LOWERED = frozenset(FUNCTION_WORDS) - {"i"}
_INTERJECTIONS = frozenset(
    words(
        """oh ah alas hooray ha hah hey well ugh wow wonderful lovely brilliant marvellous great splendid fine
        right anyway sorry yes yep quite indeed cheers so there"""
    )
)
MAX_SIMILARITY = 0.8  # above this a "plain version" is the passage itself, and teaches copying
_FRAGMENT = 4  # a sentence of fewer words that begins with a number or an article joins the one before


def plain_by_rules(text: str) -> str:
    """`text` without interjections, intensifiers, asides, similes and fragments, in shorter sentences.

    A passage that has little of that to lose is cut down to its gist instead, so that the two always differ and
    the model has something to write. No number, name, link, code span or negation is lost, and the result is
    never empty.
    """
    flat = " ".join(text.split())
    plain = " ".join(_whole(_tidy(s) for s in sentences(_change(_CHANGES, flat))))
    if similarity(flat, plain) > MAX_SIMILARITY:
        plain = "; ".join(_gist(s) for s in sentences(plain)) + "."
    return plain if words(plain) and not kept(text, plain) else flat


def _gist(sentence: str) -> str:
    """The words of a sentence that say something, as one would jot them down; all of it where a fact would go."""
    body = sentence.rstrip(" .")
    said = [w for w in re.split(r"\s+", body) if words(w) and not _GLUE.issuperset(words(w))]
    # A capital that only began a sentence would be taken for a name in the middle of one.
    if said and words(said[0])[0] in _LOWERED:
        said[0] = said[0][:1].lower() + said[0][1:]
    jotted = " ".join(said).rstrip(",;:")
    return body if not said or kept(body, jotted) else jotted


def _change(changes: Iterable[tuple[str, str]], text: str) -> str:
    """Make each change wherever it loses no fact."""
    for pattern, to in changes:
        text = _replace(re.compile(pattern, re.IGNORECASE), to, text)
    return text


def _replace(pattern: re.Pattern[str], to: str, text: str) -> str:
    at = 0
    while match := pattern.search(text, at):
        instead = match.expand(to)
        changed = text[: match.start()] + instead + text[match.end() :]
        if kept(text, changed):
            at = match.end()
        else:
            text, at = changed, match.start() + len(instead)
    return text


def _tidy(sentence: str) -> str:
    sentence = re.sub(r"\s+([,.;:!?])", r"\1", sentence)
    sentence = re.sub(r",+([.;:!?])", r"\1", re.sub(r"\s{2,}", " ", sentence)).strip(" ,;")
    return sentence[:1].upper() + sentence[1:]


def _whole(pieces: Iterable[str]) -> Iterator[str]:
    """Drop sentences that only exclaim, and join fragments ("Two tins.") to the sentence before."""
    held = ""
    for piece in pieces:
        said = words(piece)
        if not said or _INTERJECTIONS.issuperset(said):
            continue
        fragment = len(said) < _FRAGMENT and (said[0] in ("a", "an", "no") or numbers(said[0]))
        if held.endswith(".") and fragment:
            held = f"{held[:-1]}, {piece[0].lower()}{piece[1:]}"
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held
