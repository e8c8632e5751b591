"""One blog at work: its configuration, its state folder, its ledger."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tonewright.config.load import FILE_NAME, load
from tonewright.config.schema import SQLITE, Config, without_password
from tonewright.errors import ConfigError, TonewrightError, UsageError
from tonewright.ledger.store import Ledger
from tonewright.tones.vocabulary import Vocabulary

# File systems that other machines (or Windows, below WSL) write to as well.
REMOTE = {"9p", "drvfs", "nfs", "nfs4", "cifs", "smb3", "smbfs", "virtiofs", "vboxsf"}
# SQLite's write-ahead log needs shared memory, which these file systems do not give.
UNFIT_FOR_STATE = {"9p", "drvfs", "nfs", "nfs4", "cifs", "smb3", "smbfs", "vboxsf"}


@dataclass(frozen=True)
class Workspace:
    """Everything that a task needs to know. `root` is the folder that holds `tonewright.toml`."""

    root: Path
    config: Config
    state: Path
    origins: dict[str, str] = field(default_factory=dict)
    lent: Ledger | None = None  # on a machine that lends a hand: the ledger of the one that it works for

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, opened (and made) on first use."""
        if self.lent is not None:
            return self.lent
        make_private(self.state)
        return Ledger(self.state / "ledger.db")

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tones that this author uses."""
        return Vocabulary(self.config.tones.names)

    def folder(self, *names: str) -> Path:
        """A private folder inside the state folder, made if need be."""
        path = self.state.joinpath(*names)
        make_private(path)
        return path

    @property
    def spool(self) -> Path:
        """Where doorbells leave their mark."""
        return self.folder("spool")

    def path(self, text: str) -> Path:
        """A path from the configuration: `~` is the home folder, anything else relative is from `root`."""
        return (self.root / Path(text).expanduser()).absolute()


def open_workspace(start: Path | None = None) -> Workspace:
    """The workspace whose `tonewright.toml` is in `start` or the nearest folder above it.

    Raises `UsageError` when there is none, and `ConfigError` when its settings cannot be used.
    """
    here = (start or Path.cwd()).absolute()
    root = next((d for d in (here, *here.parents) if (d / FILE_NAME).is_file()), None)
    if root is None:
        raise UsageError(f"there is no {FILE_NAME} in {here} or above it", "run `tonewright init` in your blog")
    config, origins = load([root / FILE_NAME, user_file()])
    _check(config, root)
    return Workspace(root, config, state_folder(root), origins)


def user_file() -> Path:
    """The author's own settings for every blog on this machine."""
    import platformdirs

    return Path(platformdirs.user_config_dir("tonewright")) / "config.toml"


def state_folder(root: Path) -> Path:
    """`$TONEWRIGHT_STATE`, or a folder of this blog's own under the platform's state directory."""
    override = os.environ.get("TONEWRIGHT_STATE")
    if override:
        return Path(override).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_state_dir("tonewright")) / blog_name(root)


def blog_name(root: Path) -> str:
    """A name for this blog that is no other's on this machine: its folder's, and a hash of the whole path."""
    slug = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "blog"
    mark = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
    return f"{slug}-{mark}"


def cache_folder() -> Path:
    """`$TONEWRIGHT_CACHE`, or the platform's cache directory: what can be made again, shared by all blogs."""
    override = os.environ.get("TONEWRIGHT_CACHE")
    if override:
        return Path(override).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tonewright"))


def make_private(folder: Path) -> None:
    """Make `folder` with mode 0700. Raises `TonewrightError` when that cannot be."""
    if folder.is_dir():
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise TonewrightError(
            f"{folder} could not be made ({e.strerror})",
            "set TONEWRIGHT_STATE to a folder that you can write to",
        ) from e
    kind = file_system(folder)
    if kind in UNFIT_FOR_STATE:
        raise TonewrightError(
            f"{folder} is on {kind}, where a database can lose data",
            "set TONEWRIGHT_STATE to a folder on a local disk",
        )


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that holds `folder`, or "" where the system does not tell (macOS)."""
    if not mounts.exists():
        return ""
    best, kind = "", ""
    target = str(folder.resolve())
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4].replace("\\040", " ")
        inside = target == point or target.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split()[0]
            if "aname=drvfs" in right:  # WSL 2 reaches the Windows drives over 9p
                kind = "drvfs"
    return kind


def is_remote(kind: str) -> bool:
    """Whether a file system of this kind may be changed from elsewhere without a word to this system's kernel."""
    return kind in REMOTE or kind.startswith("fuse")


def _check(config: Config, root: Path) -> None:
    file = root / FILE_NAME
    if "plain" not in config.tones.names:
        raise ConfigError(f"{file}: tones.names lacks plain", "add it: it means that no tone is marked")
    if not 0 < config.training.held_out < 0.5:
        raise ConfigError(
            f"{file}: training.held_out is {config.training.held_out}", "choose a share between 0 and 0.5"
        )
    known = ["local", *config.hosts]
    strangers = [name for name in config.training.host if name not in known]
    if strangers or not config.training.host:
        named = f"names {strangers[0]!r}, which [hosts] does not" if strangers else "names no machine"
        raise ConfigError(f"{file}: training.host {named}", f"known: {', '.join(known)}")
    if config.queue != SQLITE and not config.queue.startswith(("redis://", "rediss://", "unix://")):
        raise ConfigError(
            f"{file}: queue is {without_password(config.queue)!r}", 'write "sqlite" or "redis://HOST:PORT/NUMBER"'
        )
    for key, value, allowed in (
        *(
            ("rows.kinds", kind, ("rewrite", "revision", "summary", "correction", "continuation"))
            for kind in config.rows.kinds
        ),
        ("tagger.use", config.tagger.use, ("embedded", "local", "hosted", "none")),
        ("pairs.use", config.pairs.use, ("local", "rules", "hosted", "none")),
        ("notes.transcriber", config.notes.transcriber, ("sidecar", "whisper", "hosted")),
        ("notes.extractor", config.notes.extractor, ("numpy", "praat")),
        ("hosted.fallback_tagger", config.hosted.fallback_tagger, ("embedded", "local", "none")),
        ("hosted.fallback_pairs", config.hosted.fallback_pairs, ("local", "rules")),
    ):
        if value not in allowed:
            raise ConfigError(f"{file}: {key} is {value!r}", f"choose one of {', '.join(allowed)}")
