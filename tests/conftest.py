"""What every test stands on: a home of its own, a real blog in a real Git repository, the real command."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tonewright.process import GIT_LOCAL_ENV
from tonewright.workspace import Workspace, open_workspace

AUTHOR = "ines@example.org"
REPOSITORY = Path(__file__).parents[1]

# Settings for tests that need no model: hand tones and summaries still make rows.
QUIET = '[tagger]\nuse = "none"\n[pairs]\nuse = "none"\n[blog]\nauthors = ["ines@example.org"]\n'

# Thresholds that four posts cross, and a run of seconds.
SMALL_RETRAIN = """
[blog]
authors = []
[thresholds]
min_new_examples = 8
min_new_words = 100
per_tone_minimum = 0
[training]
host = "{host}"
recipe = "{recipe}"
held_out = 0.3
poll_seconds = 0.5
[gate]
items = 4
"""
NO_MODEL = '[pairs]\nuse = "rules"\n[tagger]\nuse = "none"\n'


Tell = Callable[[str], None]


class Counts:
    """Prints what a proof counted when its test has ended, also one in another process."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The terminal is the controlling process's alone."""
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        for name, counts in report.user_properties if terminal and report.when == "call" else ():
            if name == "proof":
                terminal.write_line(f"\nproof: {counts}")


def pytest_configure(config: pytest.Config) -> None:
    """Counts are printed as they come in."""
    config.pluginmanager.register(Counts(config))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Hand a proof's counts to whoever runs it."""
    return lambda counts: record_property("proof", counts)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process takes a whole file, for its fixtures' sake, and one process all that trains.

    `--dist loadgroup` would say the same; xdist 3.8 writes its groups where pytest 9 does not look any more.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "training" if "/ml/" in file or file.endswith("/test_pipeline.py") else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Converted bases are shared by all tests of a session: making one takes half a minute."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty home and an author's identity: whatever a test does, the real ones stay out of it."""
    place = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name in GIT_LOCAL_ENV or name.startswith(("TONEWRIGHT_", "GIT_", "XDG_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("TONEWRIGHT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(cache))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(place / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (place / ".gitconfig").write_text(
        f"[user]\nname = Ines\nemail = {AUTHOR}\n[init]\ndefaultBranch = main\n[commit]\ngpgsign = false\n",
        encoding="utf-8",
    )
    return place


def until(what: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to come true; a test that waits in vain fails here."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may end meanwhile
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


@dataclass
class Blog:
    """A real blog on disk, driven with the real Git."""

    root: Path
    opened: list[Workspace] = field(default_factory=list)

    def git(self, *args: str, check: bool = True, env: dict[str, str] | None = None) -> str:
        """Run git here; returns what it printed."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        assert not check or done.returncode == 0, f"git {args}: {done.stderr}"
        return done.stdout

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def commit(self, message: str = "a post", **files: str) -> str:
        """Commit everything; returns the commit's id."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def post(self, slug: str, body: str, front: str = "", date: str = "2026-01-02", folder: str = "_posts") -> Path:
        """Write a Jekyll post."""
        return self.write(f"{folder}/{date}-{slug}.md", f"---\ntitle: {slug}\n{front}---\n\n{body}\n")

    def settings(self, text: str = QUIET) -> None:
        """Write tonewright.toml."""
        self.write("tonewright.toml", text)

    def small_retrain(self, recipe: str, host: str = "local", more: str = "") -> None:
        """Settings and four posts of the example blog, committed: `up` trains by `recipe` (TOML) on `host`."""
        file = self.root.parent / "recipe.toml"
        file.write_text("rank = 4\nsequence_length = 256\n" + recipe)
        self.settings(SMALL_RETRAIN.format(recipe=file, host=host) + more)
        (self.root / "_posts").mkdir()
        for post in sorted((REPOSITORY / "examples" / "blog" / "_posts").glob("2025-0*.md"))[:4]:
            shutil.copy(post, self.root / "_posts")
        self.commit()

    def workspace(self) -> Workspace:
        """The blog as tonewright sees it; its ledger is closed when the test ends."""
        self.opened.append(open_workspace(self.root))
        return self.opened[-1]

    def tonewright(self, *args: str, timeout: float = 60, env: dict[str, str] | None = None) -> Finished:
        """Run the real command here, as a user would."""
        done = subprocess.run(
            [sys.executable, "-m", "tonewright", *args],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
        )
        return Finished(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def blog(tmp_path: Path) -> Iterator[Blog]:
    """An empty repository with branch main."""
    root = tmp_path / "blog"
    root.mkdir()
    made = Blog(root)
    made.git("init", "-q")
    yield made
    for workspace in made.opened:
        workspace.ledger.close()


@dataclass
class Redis:
    """A real Redis on a loopback port, with nothing kept on disk."""

    program: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What `queue =` is set to."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Listen; returns once connections are accepted."""
        self.process = subprocess.Popen(
            [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """Lose it, with everything that is queued."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def forget(self) -> None:
        """Lose everything that is queued, and go on."""
        subprocess.run(["redis-cli", "-p", str(self.port), "FLUSHALL"], check=True, capture_output=True)


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A running Redis server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Redis(program, port)
    server.start()
    yield server
    server.kill()
