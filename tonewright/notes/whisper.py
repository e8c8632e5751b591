"""Words from Whisper on this machine, through faster-whisper: fetched once and on request, never while listening."""

from __future__ import annotations

import os
import re
import shutil
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import BadInput, Missing, TryLater, UsageError
from tonewright.notes.words import Word
from tonewright.workspace import cache_folder

if TYPE_CHECKING:
    from tonewright.notes.decode import Sound

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")  # without the last one, a tokenizer would be fetched
# A segment that Whisper itself takes for silence, and of whose words it is not sure, is one that it made up.
_NO_SPEECH, _UNSURE = 0.6, -0.7
_EXTRA = "pip install 'tonewright[asr]'"


class Whisper:
    """One Whisper model. Nothing is downloaded here; silence is cut out first, since Whisper invents words for it."""

    name = "whisper"

    def __init__(self, model: str) -> None:
        folder = find_model(model)
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is first imported
        faster_whisper = _faster_whisper()
        self._model = faster_whisper.WhisperModel(str(folder), device="cpu", compute_type="int8", local_files_only=True)
        self.version = f"{folder.name} ({version('faster-whisper')})"

    def transcribe(self, sound: Sound, path: Path) -> list[Word]:
        """The words of a recording in order, with times; none where nobody speaks."""
        segments, _ = self._model.transcribe(
            sound.samples, word_timestamps=True, vad_filter=True, beam_size=5, condition_on_previous_text=False
        )
        return list(_joined(_believable(segments)))


def _joined(pieces: Iterable[Any]) -> Iterator[Word]:
    """Words from Whisper's pieces: what begins with a hyphen or the like belongs to the word before it."""
    word: Word | None = None
    for piece in pieces:
        start, end, probability = float(piece.start), float(piece.end), float(piece.probability)
        if word is not None and not piece.word[:1].isspace() and not piece.word[:1].isalnum():
            word = Word(word.start, end, word.text + piece.word.rstrip(), min(word.probability, probability))
            continue
        if word is not None:
            yield word
        word = Word(start, end, piece.word.strip(), probability)
    if word is not None:
        yield word


def _believable(segments: Iterable[Any]) -> Iterable[Any]:
    for segment in segments:
        if not (segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < _UNSURE):
            yield from segment.words or ()


def find_model(model: str) -> Path:
    """The folder of a Whisper model: a path, or the name of one that was fetched. Raises `Missing`."""
    named = Path(model).expanduser()
    for folder in (named, models_folder() / model) if model else ():
        if _is_whole(folder):
            return folder
    if re.fullmatch(r"[\w.-]+", model):
        raise Missing(f"the Whisper model {model} is not here", f"tonewright fetch whisper {model}")
    raise Missing(
        f"{named} holds no Whisper model ({', '.join(MODEL_FILES)})", "mend notes.whisper_model, or name one to fetch"
    )


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in MODEL_FILES)


def models_folder() -> Path:
    """Where fetched models are kept."""
    return cache_folder() / "whisper"


def fetch(name: str, tell: Callable[[int], None]) -> Path:
    """Download the model called `name`, once; `tell` hears now and then how many bytes there are. Returns its folder.

    A download that broke off goes on where it was. Raises `UsageError` for a name that faster-whisper does not know,
    `Missing` without the `asr` extra, `TryLater` when it cannot be downloaded now.
    """
    faster_whisper = _faster_whisper()
    known = faster_whisper.available_models()
    if name not in known:
        raise UsageError(f"there is no Whisper model {name!r}", f"one of: {', '.join(known)}")
    folder = models_folder() / name
    if _is_whole(folder):
        return folder
    aside = models_folder() / f"{name}.part"
    aside.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    teller = threading.Thread(target=_tell, args=(aside, tell, ended), daemon=True)
    teller.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it hands on an argument of yesterday's
            faster_whisper.download_model(name, output_dir=str(aside))
    except Exception as e:  # whatever the client of a hub throws: no network, no such host, half an answer, full disk
        reason = (str(e).strip() or type(e).__name__).splitlines()[0]
        raise TryLater(
            f"the Whisper model {name} could not be downloaded ({reason})",
            "run the same command again, or set notes.whisper_model to a folder that holds one",
        ) from e
    finally:
        ended.set()
        teller.join()
    if not _is_whole(aside):
        raise BadInput(f"what was downloaded as {name} lacks one of {', '.join(MODEL_FILES)}", "choose another model")
    shutil.rmtree(aside / ".cache", ignore_errors=True)
    aside.rename(folder)
    return folder


def _tell(folder: Path, tell: Callable[[int], None], ended: threading.Event) -> None:
    while not ended.wait(0.5):
        tell(sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file()))


def _faster_whisper() -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import faster_whisper
    except ImportError as e:
        raise Missing("hearing words needs the asr extra, which is not installed", _EXTRA) from e
    return faster_whisper
