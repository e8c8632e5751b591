"""Words of a recording from a hosted model; the gate cannot hear, so it asks about folder, size and caps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import ConfigError, TryLater
from tonewright.hosted import budget, client
from tonewright.hosted.asking import reserved
from tonewright.hosted.budget import MICRO, Leaving, OverBudget
from tonewright.hosted.candidates import TRANSCRIPTS, name_of_file, policy_of
from tonewright.hosted.endpoint import Endpoint, endpoint_for
from tonewright.hosted.gate import ALLOW, Candidate, decide
from tonewright.notes.words import Word
from tonewright.workspace import Workspace

if TYPE_CHECKING:
    from tonewright.notes.decode import Sound

MOST_BYTES = 25_000_000  # what the service takes
SECONDS_PER_MINUTE = 10.0  # of speech, on top of the usual limit, before an answer is given up
ASK_AGAIN = 3600.0  # seconds; the author may write the words or opt the folder in meanwhile


class HostedTranscriber:
    """A `notes.words.Transcriber` that asks `hosted.transcript_model`."""

    name = "hosted"

    def __init__(self, workspace: Workspace) -> None:
        """Raises `ConfigError` without a model or, for another machine, a price; `Missing` without a key."""
        self._workspace, self._settings = workspace, workspace.config.hosted
        self.version = self._settings.transcript_model
        self._endpoint = endpoint_for(workspace)
        if not self.version or (not self._endpoint.local and self._settings.price_minute <= 0):
            raise ConfigError("hosted.transcript_model or hosted.price_minute is not set", "set both")

    def transcribe(self, sound: Sound, path: Path) -> list[Word]:
        """The words of the recording at `path`. Raises `TryLater` when it may not leave, or later might do better."""
        beside = f"write its words into {path.with_suffix('.txt').name} beside it"
        decision = decide(Candidate(name_of_file(self._workspace, path), ""), policy_of(self._workspace, TRANSCRIPTS))
        if decision.verdict != ALLOW:
            raise TryLater(f"{path.name} stays here, since {decision.why}", beside, seconds=ASK_AGAIN)
        try:
            audio = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        except OSError as e:
            raise TryLater(f"{path} cannot be read ({e.strerror})", beside, seconds=ASK_AGAIN) from e
        if not audio:
            raise TryLater(f"{path.name} is larger than {MOST_BYTES:,} bytes", beside, seconds=ASK_AGAIN)
        cost = 0 if self._endpoint.local else math.ceil(sound.seconds / 60 * self._settings.price_minute * MICRO)
        try:
            answer = self._ask(Leaving("transcript", self.version, audio, cost, None), path.name, sound.seconds)
        except OverBudget as e:
            raise TryLater(str(e), beside, seconds=ASK_AGAIN) from e
        return words_in(answer, sound.seconds)

    def _ask(self, leaving: Leaving, name: str, seconds: float) -> dict[str, Any]:
        ledger, endpoint = self._workspace.ledger, self._patient(seconds)
        row, answer = reserved(
            ledger,
            self._settings,
            endpoint,
            leaving,
            lambda: client.transcribe(endpoint, leaving.model, name, leaving.body, endpoint.timeout),
        )
        with ledger.transaction() as tx:
            budget.settle(tx, row, leaving.most, (None, None), f"{seconds:.0f} s of speech")
        return answer

    def _patient(self, seconds: float) -> Endpoint:
        return replace(self._endpoint, timeout=self._endpoint.timeout + seconds / 60 * SECONDS_PER_MINUTE)


def words_in(answer: dict[str, Any], seconds: float) -> list[Word]:
    """The words of a `verbose_json` answer, in order and inside of the recording; what is no word is left out.

    The service tells no probability per word, so every word has that of its segment, or 1.
    """
    segments = [s for s in answer.get("segments") or [] if isinstance(s, dict)]
    words = []
    for told in answer.get("words") or []:
        try:
            start, end, text = float(told["start"]), float(told["end"]), str(told["word"]).strip()
        except (LookupError, TypeError, ValueError):
            continue
        if text and 0 <= start <= end <= seconds + 1:
            words.append(Word(start, min(end, seconds), text, _probability(segments, start)))
    return sorted(words, key=lambda word: word.start)


def _probability(segments: list[dict[str, Any]], at: float) -> float:
    """exp(avg_logprob) of the segment that is spoken `at` this second; it is the mean over its tokens."""
    for segment in segments:
        try:
            if float(segment["start"]) <= at <= float(segment["end"]):
                return min(1.0, math.exp(float(segment["avg_logprob"])))
        except (LookupError, TypeError, ValueError, OverflowError):
            continue
    return 1.0
