"""The text of a new `tonewright.toml`: every setting that an author is likely to touch, each explained."""

from __future__ import annotations

from collections.abc import Sequence

TEMPLATE = """\
# tonewright: what is yours, where it comes from, and when your model is trained again.
# `tonewright config show --origin` lists every setting and where its value comes from.

[blog]
posts = {posts}          # folders with published posts, from the repository's root
drafts = {drafts}        # folders whose posts are never published
branches = {branches}    # branches that count as published
authors = {authors}      # your e-mail addresses; [] takes everybody's commits
folders = []             # plain folders of Markdown outside Git, such as "~/Writing"

[notes]
folders = {notes}        # where you drop voice notes; a sub-folder named after a tone tags them
transcriber = "sidecar"  # you write the words beside a note; "whisper" hears them on this machine (docs/voice.md)

# [notify]               # run with one sentence as its last argument when something fails
# command = ["notify-send", "tonewright"]

[tones]
# `plain` stands for "no marked tone". Add your own: they are learned from what you tag by hand.
names = ["snark", "dry", "sincere", "playful", "wistful", "plain"]
folder = "_tones"        # what `tonewright tag` decides is kept here; commit it, and every machine knows

[tagger]
use = "embedded"         # suggests tones with the small local model; "none": only what you tag by hand
# model = "big.gguf"     # with use = "local": a GGUF of 1B or more that is asked for the tone (docs/taggers.md)

# [hosted]               # a model of somebody else's: nothing leaves before a folder is named (docs/privacy.md)
# folders = ["_posts"]   # then set use = "hosted" under [tagger] or [pairs]; `tonewright outbox` lists all that left
# model = ""             # as the provider calls it, with its prices per million tokens:
# price_in = 0.0
# price_out = 0.0
# daily_cap = 0.5        # what is not settled counts as spent; at a cap this machine does the work
# monthly_cap = 5.0

[thresholds]             # a retrain starts when the first three are met, or after max_age_days with anything new
min_new_examples = 100
min_new_words = 3000
per_tone_minimum = 3
max_age_days = 60
on_push = false          # true: only after a push

[model]
base = "smollm2-135m"    # or the path of any GGUF file

[training]
host = "local"           # or a machine below, or several: the first of ["desktop", "laptop"] that is awake trains
recipe = "smollm2-135m"  # also tinyllama-1.1b, phi-2, codellama-7b, or a TOML file of your own

# [serve]                # `tonewright serve`: the voice for every program that talks to OpenAI's API (docs/serve.md)
# port = 8124

# [hosts.laptop]         # `tonewright host add laptop you@gpu-laptop.local` writes this for you (docs/hosts.md)
# address = "gpu-laptop.local"
"""


def render(
    *,
    posts: Sequence[str],
    drafts: Sequence[str],
    branches: Sequence[str],
    authors: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The file's text with what `tonewright init` found out about this repository."""
    return TEMPLATE.format(
        posts=_list(posts),
        drafts=_list(drafts),
        branches=_list(branches),
        authors=_list(authors),
        notes=_list(notes),
    )


def _list(words: Sequence[str]) -> str:
    """A TOML array of strings."""
    quoted = ['"' + w.replace("\\", "\\\\").replace('"', '\\"') + '"' for w in words]
    return "[" + ", ".join(quoted) + "]"
