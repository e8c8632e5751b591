"""The same job in blogs of other make: Hugo and Zola, TOML front matter, bundles, drafts, dates to come."""

from __future__ import annotations

import json

from tests.conftest import AUTHOR, Blog

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."
OTHER = "Nobody on the towpath believes in instructions, so the lock was left open and the cat moved in."
NO_MODEL = {"TONEWRIGHT_TAGGER_USE": "none", "TONEWRIGHT_PAIRS_USE": "rules"}


def taken(blog: Blog) -> dict[str, str]:
    """{path: state} of all posts after `init` and `up --once`."""
    blog.commit()
    assert blog.tonewright("init").code == 0
    assert blog.tonewright("up", "--once", env=NO_MODEL).code == 0
    events = json.loads(blog.tonewright("log", "-n", "100", "--json").out)["events"]
    return {e["source"]: e["state"] for e in events if e["kind"] == "post"}


def test_a_hugo_blog(blog: Blog) -> None:
    """Posts under content/, page bundles, TOML and YAML; drafts and section pages stay out."""
    blog.write("content/posts/kettle/index.md", f'+++\ntitle = "Kettle"\n[params]\ntone = "dry"\n+++\n\n{WORDS}\n')
    blog.write("content/posts/cat.md", f"---\ntitle: Cat\nsummary: A cat moves in.\n---\n\n{OTHER}\n")
    blog.write("content/posts/idea.md", f'+++\ntitle = "Idea"\ndraft = true\n+++\n\n{WORDS}\n')
    blog.write("content/posts/later.md", f'+++\ntitle = "Later"\npublishDate = 2099-01-01\n+++\n\n{WORDS}\n')
    blog.write("content/posts/_index.md", f"---\ntitle: Posts\n---\n\n{WORDS}\n")
    assert taken(blog) == {
        "content/posts/kettle/index.md": "done",
        "content/posts/cat.md": "done",
        "content/posts/idea.md": "refused",
        "content/posts/later.md": "pending",
    }
    settings = (blog.root / "tonewright.toml").read_text()
    assert 'posts = ["content"]' in settings
    assert f'authors = ["{AUTHOR}"]' in settings
    rows = [json.loads(line) for line in blog.tonewright("corpus", "export", env=NO_MODEL).out.splitlines()]
    assert {(r["kind"], r["tone"]) for r in rows} == {("rewrite", "dry"), ("rewrite", None), ("summary", None)}


def test_a_zola_blog(blog: Blog) -> None:
    """Zola keeps what it does not know under [extra]: a tone and a summary there count."""
    blog.write(
        "content/blog/kettle.md",
        f'+++\ntitle = "Kettle"\ndate = 2026-01-02\n[extra]\ntone = "wistful"\nsummary = "Gone."\n+++\n\n{WORDS}\n',
    )
    blog.write("content/blog/private.md", f'+++\ntitle = "Mine"\n[extra]\nprivate = true\n+++\n\n{WORDS}\n')
    assert taken(blog) == {"content/blog/kettle.md": "done", "content/blog/private.md": "refused"}
    told = json.loads(blog.tonewright("corpus", "stats", "--json", env=NO_MODEL).out)
    assert told["tones"]["hand"] == {"wistful": 1}
    assert told["kinds"] == {"rewrite": 1, "summary": 1}
