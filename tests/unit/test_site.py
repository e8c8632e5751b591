"""Permalinks by the rules of three generators."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.posts.post import parse
from tonewright.search.site import read_site

JEKYLL = ("_config.yml", "url: https://a.example\nbaseurl: /b\n")
HUGO = ("hugo.toml", 'baseURL = "https://a.example/"\n')
ZOLA = ("config.toml", 'base_url = "https://a.example"\n')
DATED = "_posts/2026-03-09-Tea_and Rain.md"


@pytest.mark.parametrize(
    ("settings", "path", "front", "permalink"),
    [
        (JEKYLL, DATED, "", "https://a.example/b/2026/03/09/tea_and-rain.html"),
        (JEKYLL, DATED, "categories: [Boats, 'Old Cats']", "https://a.example/b/boats/old-cats/2026/03/09/tea_and-rain.html"),
        (JEKYLL, DATED, "slug: tea", "https://a.example/b/2026/03/09/tea.html"),
        (JEKYLL, DATED, "permalink: /tea/:year/", "https://a.example/b/tea/2026/"),
        (("_config.yml", "permalink: pretty\n"), DATED, "", "/2026/03/09/tea_and-rain/"),
        (("_config.yml", "permalink: /:unheard_of/\n"), DATED, "", ""),
        (("_config.yml", "permalink: [broken\n"), DATED, "", ""),
        (HUGO, "content/posts/tea.md", "", "https://a.example/posts/tea/"),
        (HUGO, "content/posts/tea/index.md", "", "https://a.example/posts/tea/"),
        (HUGO, "content/posts/tea.md", "slug: rain", "https://a.example/posts/rain/"),
        (HUGO, "content/posts/tea.md", "url: /elsewhere/", "https://a.example/elsewhere/"),
        (
            ("hugo.yaml", "baseURL: https://a.example\npermalinks: {posts: '/:year/:slug/'}\n"),
            "content/posts/tea.md",
            "date: 2026-03-09",
            "https://a.example/2026/tea/",
        ),
        (("config.toml", 'baseURL = "https://a.example"\n'), "content/tea.md", "", "https://a.example/tea/"),
        (ZOLA, "content/blog/2026-03-09-tea.md", "", "https://a.example/blog/tea/"),
        (ZOLA, "content/blog/tea.md", "path: other/place/", "https://a.example/other/place/"),
        (("README.md", ""), DATED, "", ""),
        (("README.md", ""), DATED, "permalink: https://a.example/x", "https://a.example/x"),
    ],
)  # fmt: skip
def test_permalink(tmp_path: Path, settings: tuple[str, str], path: str, front: str, permalink: str) -> None:
    """The address is the generator's, the front matter overrides it, and what cannot be told is left empty."""
    (tmp_path / settings[0]).write_text(settings[1])
    post = parse(f"---\ntitle: T\n{front}\n---\n\nWords.\n".encode(), path)
    assert read_site(tmp_path).permalink(post) == permalink
