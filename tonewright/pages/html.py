"""Pages from templates: every value is escaped unless this program has drawn it itself."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from tonewright.errors import Missing

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_STATIC = {
    "look.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "review.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def render(template: str, **values: Any) -> bytes:
    """The page, in UTF-8. A name that the template uses and nobody gave is an error. Raises `Missing`."""
    return environment().get_template(template).render(**values).encode()


def alone(template: str, **values: Any) -> bytes:
    """The page with its style in it, allowed by its hash alone: it needs nothing but itself. Raises `Missing`."""
    from markupsafe import Markup

    style = text("look.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    own = Markup(style)  # noqa: S704 - our own file; escaping would change what the hash is of
    return render(template, style=own, style_hash=f"sha256-{digest}", **values)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates with escaping always on. Raises `Missing` without the `web` extra."""
    try:
        import jinja2
    except ImportError as e:
        raise Missing("pages need the web extra, which is not installed", "pip install 'tonewright[web]'") from e
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("tonewright.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["commands"] = commands
    return made


def commands(sentence: str) -> Markup:
    """A sentence of this program with the commands in it, which stand between backticks, as code."""
    from markupsafe import Markup, escape

    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # an odd backtick is just a character
        return escape(sentence)
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


def static(name: str) -> tuple[bytes, str] | None:
    """(bytes, media type) of a file that all pages share; None for a name that is not one of them."""
    if name not in _STATIC:
        return None
    return text(name).encode(), _STATIC[name]


def text(name: str) -> str:
    """The text of such a file."""
    return (resources.files("tonewright.pages") / "static" / name).read_text(encoding="utf-8")
