"""Facts that must survive, runs that must not be recited, loops that must be seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonewright.gate.language import names, numbers, sentences
from tonewright.gate.measures import FACTS, OverlapIndex, facts, faults, invented, kept, longest_overlap, loops

SOURCE = (
    "On Monday I gave 1,106 tickets and two hundred and twelve tokens to Pauline at 8:15. The pump was not "
    "running, so `pump --start` was of no use. See [the manual](https://example.org/pump?page=3) and "
    "{{ site.map }}."
)


def test_text_keeps_its_own_facts() -> None:
    """A text loses nothing against itself, whatever is in it."""
    assert kept(SOURCE, SOURCE) == []
    assert faults(SOURCE, SOURCE) == []


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("1,106", "some", "number 1106"),
        ("two hundred and twelve", "two hundred and eleven", "number 212"),
        ("8:15", "8:51", "number 8:15"),
        ("Pauline", "somebody", "name Pauline"),
        ("Monday", "a day", "name Monday"),
        ("`pump --start`", "`pump --stop`", "code `pump --start`"),
        ("?page=3", "", "link https://example.org/pump?page=3"),
        ("{{ site.map }}", "the map", "markup {{ site.map }}"),
        ("not running, so", "running, so", "“not runn…”"),
    ],
)
def test_each_kind_of_fact_is_missed(old: str, new: str, lost: str) -> None:
    """Changing one fact in an otherwise equal text is found, and named."""
    assert old in SOURCE
    assert lost in kept(SOURCE, SOURCE.replace(old, new))


@given(st.integers(min_value=10, max_value=10**9))
def test_any_changed_number_is_found(number: int) -> None:
    """Whatever the number, another one in its place is a lost fact and an invented one."""
    said, other = f"We took {number} people up.", f"We took {number + 1} people up."
    assert kept(said, other) == [f"number {number}"]
    assert invented(said, other) == [f"number {number + 1}"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,106 and £4.50 at 8:15", ["1106", "4.50", "8:15"]),
        ("two hundred and twelve", ["212"]),
        ("twenty-one or thirty", ["21", "30"]),
        ("three thousand four hundred and five", ["3405"]),
        ("five or six", ["5", "6"]),
        ("one of them", []),
        ("a hundred and she left", ["100"]),
    ],
)
def test_numbers_in_digits_and_words_are_the_same(text: str, found: list[str]) -> None:
    """A rewriting may spell a number out, or write it in digits, without losing it."""
    assert numbers(text) == found


def test_lost_denial_is_a_flip() -> None:
    """A sentence that loses its only "not" says the opposite, and that is a lost fact."""
    assert kept("We are not open.", "We are open.") == ["a “not”"]
    assert kept("The gate opened and I did not wait.", "The gate didn't open and I waited.")
    assert kept("I don't mind it.", "I do not mind it at all.") == []


def test_sentence_beginnings_are_not_names() -> None:
    """Only capitals inside of a sentence name somebody; Mr. does not end one."""
    assert names('Then Mr. Haddow said "It is Maud\'s." Nobody asked. I agreed.') == ["Mr", "Haddow", "Maud"]
    assert sentences("Mr. Haddow came. So did I… twice!") == ["Mr. Haddow came.", "So did I…", "twice!"]


@pytest.mark.parametrize(
    ("text", "round_and_round"),
    [
        ("I am not open. I am not open. I am not open.", True),
        ("no no no no", True),
        ("It was a very, very, very good year.", False),
        ("Does it go up? It does. Does it go down? It does.", False),
    ],
)
def test_loops_are_seen(text: str, round_and_round: bool) -> None:
    """A model that repeats itself is told from an author who does."""
    assert loops(text) is round_and_round


def test_answer_that_breaks_off_or_is_empty_has_a_fault() -> None:
    """Half a sentence and silence never take the place of a text."""
    assert faults("It rained all day.", "It rained all") == ["it breaks off in the middle of a sentence"]
    assert faults("It rained all day.", " \n") == ["the answer is empty"]


def test_recitation_is_measured_in_words() -> None:
    """The longest run in common is found across case and punctuation, and named."""
    index = OverlapIndex(["The gull walked off, as though it had an appointment.", "A gull walked by."])
    assert longest_overlap("Then he walked off as though it had an appointment!", index) == (
        8,
        "walked off as though it had an appointment",
    )
    assert longest_overlap("Nothing in common here.", index) == (0, "")


def test_repeating_the_prompt_is_not_recitation() -> None:
    """Words that were given in the request do not count as remembered."""
    index = OverlapIndex(["The gull walked off as though it had an appointment."])
    answer = "The gull walked off as though it had an appointment."
    assert longest_overlap(answer, index, prompt=answer) == (0, "")
    assert longest_overlap(answer, index, prompt="The gull walked off at noon.")[0] == 6


def test_facts_are_counted_by_kind() -> None:
    """Each kind has its own share: what survived of what was there; a kind that is not there is 0 of 0."""
    answer = SOURCE.replace("1,106", "some").replace("Pauline", "somebody").replace("not ", "")
    assert facts(SOURCE, SOURCE) == {"numbers": (3, 3), "names": (2, 2), "links and code": (3, 3), "negations": (1, 1)}
    assert facts(SOURCE, answer) == {"numbers": (2, 3), "names": (1, 2), "links and code": (3, 3), "negations": (0, 1)}
    assert facts("It rained.", "It did.") == dict.fromkeys(FACTS, (0, 0))
