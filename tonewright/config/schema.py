"""Every setting, with its default and what it means. This page and `tonewright init`'s file say the same."""

from __future__ import annotations

from dataclasses import dataclass, field

SQLITE = "sqlite"


@dataclass(frozen=True)
class Blog:
    """Which writing is the author's, and when it counts as published."""

    posts: tuple[str, ...] = ("_posts", "content", "posts")  # folders with posts, from the repository's root
    drafts: tuple[str, ...] = ("_drafts",)  # folders whose posts are never published
    branches: tuple[str, ...] = ("main",)  # branches that count as published
    authors: tuple[str, ...] = ()  # e-mail addresses; empty: everybody's commits are yours
    folders: tuple[str, ...] = ()  # plain folders of Markdown outside Git


@dataclass(frozen=True)
class Notes:
    """Where voice notes are dropped."""

    folders: tuple[str, ...] = ()
    settle_seconds: float = 5.0  # a note is taken when it has been quiet this long and is whole
    longest_minutes: float = 180.0  # a longer recording is left out; an hour's samples take 230 MB of memory
    transcriber: str = "sidecar"  # who hears words that nobody wrote down: sidecar (nobody), whisper, hosted
    whisper_model: str = "small.en"  # a name that `tonewright fetch whisper` fetched, or a folder with a model
    extractor: str = "numpy"  # who tracks the pitch: numpy (ours), praat (needs the praat extra)


@dataclass(frozen=True)
class Watch:
    """How the folders are looked at."""

    rescan_seconds: float = 60.0  # native events only wake us up; this is what makes sure


@dataclass(frozen=True)
class Notify:
    """How the author hears of what went wrong."""

    command: tuple[str, ...] = ()  # run with one sentence as its last argument and JSON on stdin; empty: nothing


@dataclass(frozen=True)
class Tones:
    """The vocabulary. `plain` means that no tone is marked."""

    names: tuple[str, ...] = ("snark", "dry", "sincere", "playful", "wistful", "plain")
    folder: str = "_tones"  # where `tonewright tag` keeps what you decide, in the repository: commit it


@dataclass(frozen=True)
class Tagger:
    """Who suggests tones for passages that the hand has not tagged."""

    use: str = "embedded"  # embedded: the small local model and your own labels; local: a model is asked; hosted; none
    model: str = ""  # whom `local` asks: a name that `tonewright doctor` lists, or a GGUF file; empty: model.base
    threshold: float = 0.5  # below this confidence it says nothing


@dataclass(frozen=True)
class Pairs:
    """Who writes the plain version that a passage is paired with."""

    use: str = "local"  # local: the base model, checked, else rules; rules: no model needed; none: no rewrite pairs


@dataclass(frozen=True)
class Rows:
    """Which rows are made of passages, and how many."""

    # Also "continuation": a passage and the one after it. Off, since it teaches what comes next and not how it is said.
    kinds: tuple[str, ...] = ("rewrite", "revision", "summary", "correction")
    per_source: int = 200  # rows of one post or note at most: a book-long page is not to outweigh a year of posts
    continuations: float = 0.25  # at most so many for each row of another kind


@dataclass(frozen=True)
class Thresholds:
    """When a retrain is worth it."""

    min_new_examples: int = 100
    min_new_words: int = 3000
    per_tone_minimum: int = 3  # examples that every tone in the corpus must have
    max_age_days: float = 60.0  # this long after the last snapshot, anything new is enough; 0: never
    on_push: bool = False  # wait for a push before retraining


@dataclass(frozen=True)
class Model:
    """What is trained and what writes."""

    base: str = "smollm2-135m"  # a name that `tonewright doctor` lists, or the path of a GGUF file
    weights: str = (
        ""  # the folder with the base's original safetensors, where transformers cannot read its GGUF (Phi-2)
    )


@dataclass(frozen=True)
class Training:
    """Where and how."""

    # `local` or names under [hosts]: the first that is awake and fits takes a run. One name needs no list.
    host: tuple[str, ...] = field(default=("local",), metadata={"one": True})
    recipe: str = "smollm2-135m"  # a shipped recipe, or the path of a TOML file
    held_out: float = 0.15  # share of posts that are never trained on, chosen by hash
    poll_seconds: float = 5.0


@dataclass(frozen=True)
class Gate:
    """What a new model must show before it may replace the champion."""

    max_overlap_words: int = 12  # longest run of words that an answer may share with the training text
    min_kept: float = 0.8  # share of answers that keep every number, name and link of their source
    items: int = 12  # held-out passages that are answered aloud


@dataclass(frozen=True)
class HostEntry:
    """One machine that can train, reached over SSH."""

    address: str = ""
    user: str = ""
    port: int = 0  # 0: what ~/.ssh/config says, else 22
    identity: str = ""
    python: str = "python3"  # a Python 3.10 or newer there; what `host provision` set up with it does the training
    root: str = "tonewright"  # where jobs are kept, from that machine's home
    wake: str = ""  # its network card's address, "aa:bb:cc:dd:ee:ff" (then @BROADCAST[:PORT]): it is woken for a run
    requirements: str = ""  # what `host provision` installs: a file of yours; empty: the versions tested together
    index: str = ""  # where from: an index's URL, or a folder of wheels on that machine; empty: PyPI
    torch_index: str = ""  # where PyTorch is from; empty: as the rest with a GPU, without one PyTorch's own CPU index


@dataclass(frozen=True)
class Hosted:
    """A model that somebody else runs. Nothing is sent to it before a folder is named here."""

    folders: tuple[str, ...] = ()  # whose texts may leave: from the repository's root, or absolute for notes
    base_url: str = "https://api.openai.com/v1"  # any OpenAI-compatible address; on this machine it is not "hosted"
    key_env: str = "OPENAI_API_KEY"  # the environment variable that holds the key; a key never stands in a file
    model: str = ""  # as the provider calls it
    price_in: float = 0.0  # money per million tokens sent, as on the provider's price list
    price_out: float = 0.0  # money per million tokens received
    transcript_model: str = ""  # for `[notes]` that are transcribed there
    price_minute: float = 0.0  # money per minute of speech
    daily_cap: float = 0.5  # money; what is not settled counts as spent
    monthly_cap: float = 5.0
    denylist: tuple[str, ...] = ()  # a text with one of these words stays; keep the list in your own config file
    max_bytes: int = 60_000  # of one document; a longer one stays
    passages_per_call: int = 12
    at_once: int = 4  # requests under way at one moment, over all workers
    timeout_seconds: float = 30.0  # for a whole answer, however slowly it comes
    batch_from: int = 200  # so many passages waiting are sent as one batch, for half the price; 0: never
    fallback_tagger: str = "embedded"  # who tags what may not leave, or what the caps have no room for
    fallback_pairs: str = "local"  # who makes plain versions of it


@dataclass(frozen=True)
class Serve:
    """Where `tonewright serve` listens."""

    address: str = "127.0.0.1"  # any but a loopback address needs a key
    port: int = 8124
    key_env: str = "TONEWRIGHT_KEY"  # the environment variable with the key; set, it is asked for everywhere
    at_once: int = 4  # answers written at the same time; each has memory for a window of its own, and others wait


@dataclass(frozen=True)
class Config:
    """All settings of one blog."""

    queue: str = SQLITE  # where doorbells queue: a file of our own, or redis://HOST:PORT/NUMBER
    blog: Blog = field(default_factory=Blog)
    notes: Notes = field(default_factory=Notes)
    watch: Watch = field(default_factory=Watch)
    notify: Notify = field(default_factory=Notify)
    tones: Tones = field(default_factory=Tones)
    tagger: Tagger = field(default_factory=Tagger)
    pairs: Pairs = field(default_factory=Pairs)
    rows: Rows = field(default_factory=Rows)
    thresholds: Thresholds = field(default_factory=Thresholds)
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)
    gate: Gate = field(default_factory=Gate)
    hosted: Hosted = field(default_factory=Hosted)
    serve: Serve = field(default_factory=Serve)
    hosts: dict[str, HostEntry] = field(default_factory=dict)


def without_password(queue: str) -> str:
    """A queue's address as it may be shown: user and password taken out."""
    secret, at, place = queue.rpartition("@")
    return f"{secret.partition('://')[0]}://{place}" if at else queue
