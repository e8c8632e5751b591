"""Every error that a user is meant to read: one sentence, a remedy, an exit code."""

from __future__ import annotations


class TonewrightError(Exception):
    """Something expected went wrong; `tonewright` prints this as one sentence and exits with `exit_code`.

    `what` names the place (file, line) and the fault; `remedy` says what to do next. Anything that is not a
    `TonewrightError` is a bug and is shown with its traceback.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}" if self.remedy else self.what


class UsageError(TonewrightError):
    """The command line does not make sense."""

    exit_code = 2


class NothingToDo(TonewrightError):
    """There was no work; scripts can tell this from success."""

    exit_code = 3


class Refused(TonewrightError):
    """The gate said no, or text was left out on purpose. Trying again without a change gives the same answer."""

    exit_code = 4


class BadInput(TonewrightError):
    """A file of the author's cannot be used as it is; trying again before it changes is pointless."""


class TryLater(TonewrightError):
    """Nothing is wrong that time will not mend: a sleeping host, a full disk, a rate limit."""

    exit_code = 75

    def __init__(self, what: str, remedy: str = "", *, seconds: float = 60.0) -> None:
        super().__init__(what, remedy)
        self.seconds = seconds


class ConfigError(TonewrightError):
    """A configuration file or the environment holds something that we cannot use."""

    exit_code = 78


class Missing(TonewrightError):
    """A program, an extra or a model that this step needs is not installed."""

    exit_code = 78
