"""Where a post can be read: its permalink by the rules of Jekyll, Hugo or Zola, as far as they are simple."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import tomli
import yaml

from tonewright.posts.post import Post

JEKYLL, HUGO, ZOLA = "jekyll", "hugo", "zola"
# Which file tells, the generator that it belongs to, and the key that says so where a name is used by two of them.
_FILES = (
    ("_config.yml", JEKYLL, ""),
    ("_config.yaml", JEKYLL, ""),
    *((f"hugo.{kind}", HUGO, "") for kind in ("toml", "yaml", "yml")),
    ("config.toml", ZOLA, "base_url"),
    *((f"config.{kind}", HUGO, "") for kind in ("toml", "yaml", "yml")),
)
_JEKYLL_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
# The key of the front matter that overrides every rule.
_OWN = {JEKYLL: ("permalink",), HUGO: ("url",), ZOLA: ("path",), "": ("permalink", "url")}
_PLACEHOLDER = re.compile(r":([a-z_]+)")


@dataclass(frozen=True)
class Site:
    """How a blog names its pages. `address` is what comes before each path, "" when the settings do not say."""

    generator: Literal["jekyll", "hugo", "zola", ""] = ""
    address: str = ""
    patterns: Mapping[str, str] = field(default_factory=dict)  # by section; "" for every other one

    def permalink(self, post: Post) -> str:
        """The post's address; from the site's root where the settings name no host; "" when nothing tells."""
        own = next((text for key in _OWN[self.generator] if (text := _text(post.front, key))), "")
        pattern = own or self._pattern(post)
        if not pattern:
            return ""
        path = _filled(_JEKYLL_STYLES.get(pattern, pattern), post)
        if path is None:
            return ""
        if "://" in path:
            return path
        return self.address + re.sub(r"/{2,}", "/", f"/{path}")

    def _pattern(self, post: Post) -> str:
        section = _section(post.path)
        configured = self.patterns.get(section) or self.patterns.get("", "")
        if self.generator == JEKYLL:
            return configured or "date"
        if self.generator in (HUGO, ZOLA):
            return configured or "/:sections/:slug/"
        return ""


def read_site(root: Path) -> Site:
    """What the site's own settings in `root` say; a `Site` without a generator when there are none to be read."""
    for name, generator, needs in _FILES:
        file = root / name
        if file.is_file() and (settings := _settings(file)) is not None and (not needs or needs in settings):
            return _site(generator, settings)
    return Site()


def settings_files(root: Path) -> list[Path]:
    """The files that `read_site` would look at."""
    return [root / name for name, *_ in _FILES if (root / name).is_file()]


def _settings(file: Path) -> dict[str, Any] | None:
    """The site's own tools complain about a broken file; here it only means that no permalink is known."""
    try:
        text = file.read_text(encoding="utf-8")
        found = tomli.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return {str(key).lower(): value for key, value in found.items()} if isinstance(found, dict) else None


def _site(generator: str, settings: dict[str, Any]) -> Site:
    if generator == JEKYLL:
        address = _text(settings, "url").rstrip("/") + "/" + _text(settings, "baseurl").strip("/")
        return Site("jekyll", address.rstrip("/"), {"": _text(settings, "permalink")})
    if generator == ZOLA:
        return Site("zola", _text(settings, "base_url").rstrip("/"))
    rules = settings.get("permalinks")
    rules = rules if isinstance(rules, dict) else {}
    if isinstance(rules.get("page"), dict):
        rules = rules["page"]
    return Site("hugo", _text(settings, "baseurl").rstrip("/"), {k: v for k, v in rules.items() if isinstance(v, str)})


def _filled(pattern: str, post: Post) -> str | None:
    """The pattern with its placeholders filled in; None when one is unknown, or the date is and is asked for."""
    known = {
        "title": _slug(post),
        "slug": _slug(post),
        "filename": post.slug,
        "contentbasename": post.slug,
        "slugorfilename": _slug(post),
        "section": _section(post.path),
        "sections": "/".join(_folders(post.path)[1:]),
        "categories": "/".join(_categories(post)),
        "output_ext": ".html",
    }
    if post.date:
        known |= {
            "year": f"{post.date:%Y}",
            "short_year": f"{post.date:%y}",
            "month": f"{post.date:%m}",
            "i_month": str(post.date.month),
            "day": f"{post.date:%d}",
            "i_day": str(post.date.day),
            "y_day": f"{post.date:%j}",
        }
    if any(name not in known for name in _PLACEHOLDER.findall(pattern.partition("://")[2] or pattern)):
        return None
    return _PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), pattern)


def _folders(path: str) -> tuple[str, ...]:
    """The folders of a page; the one that is itself the page (`my-post/index.md`) is none of them."""
    pure = PurePosixPath(path)
    return pure.parent.parent.parts if pure.stem == "index" else pure.parent.parts


def _section(path: str) -> str:
    """The first folder below `content`."""
    return next(iter(_folders(path)[1:]), "")


def _slug(post: Post) -> str:
    """The author's own slug, or the file's name as an address shows it."""
    return _text(post.front, "slug") or _as_address(post.slug)


def _categories(post: Post) -> list[str]:
    told = post.front.get("categories") or post.front.get("category") or []
    return [_as_address(str(name)) for name in (told.split() if isinstance(told, str) else told)]


def _as_address(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).lower()
    return re.sub(r"[^\w.~-]+", "-", plain).strip("-")


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value.strip() if isinstance(value, str) else ""
