"""Who hears the words of a note that has none beside it, chosen by `notes.transcriber`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tonewright.notes.words import Transcriber

if TYPE_CHECKING:
    from tonewright.workspace import Workspace

SIDECAR = "sidecar"  # nobody: the author writes the words


def _whisper(workspace: Workspace) -> Transcriber:
    from tonewright.notes.whisper import Whisper

    return Whisper(workspace.config.notes.whisper_model)


def _hosted(workspace: Workspace) -> Transcriber:
    from tonewright.hosted.transcript import HostedTranscriber

    return HostedTranscriber(workspace)


TRANSCRIBERS: dict[str, Callable[[Workspace], Transcriber]] = {"whisper": _whisper, "hosted": _hosted}


def make_transcriber(workspace: Workspace) -> Transcriber | None:
    """The configured transcriber; None for `SIDECAR`. Raises `Missing` for an extra or a model that is not here."""
    use = workspace.config.notes.transcriber
    return None if use == SIDECAR else TRANSCRIBERS[use](workspace)
