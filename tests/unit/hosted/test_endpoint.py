"""Where requests may go, and with what."""

from __future__ import annotations

import pytest

from tonewright.config.schema import Hosted
from tonewright.errors import TonewrightError
from tonewright.hosted.endpoint import endpoint_of

KEY = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://elsewhere.example/v1"}


def hosted(url: str) -> Hosted:
    return Hosted(base_url=url, model="m", price_in=1.0, price_out=2.0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1", "http://localhost/v1", "http://[::1]:11434/v1"])
def test_this_machine(url: str) -> None:
    """A loopback address is this machine: no key, no price."""
    assert endpoint_of(Hosted(base_url=url, model="m"), {}).local


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://127.0.0.1.example.com/v1",
        "https://localhost.example.com/v1",
        "http://127.0.0.2:9/v1",
    ],
)
def test_somebody_elses(url: str) -> None:
    """Anything else is not, however much it looks like it; the address is the configured one and no other."""
    endpoint = endpoint_of(hosted(url), KEY)
    assert not endpoint.local
    assert endpoint.base_url == url
    assert "k" not in repr(endpoint).replace("api.", "").partition("timeout")[2]


@pytest.mark.parametrize(
    ("settings", "env", "said"),
    [
        (hosted("http://api.example.com/v1"), KEY, "read along"),
        (hosted("https://127.0.0.1@api.example.com/v1"), KEY, "hosted.base_url"),
        (hosted("ftp://api.example.com"), KEY, "hosted.base_url"),
        (hosted("https://api.example.com/v1"), {}, "wants a key"),
        (Hosted(price_in=1.0, price_out=1.0), KEY, "hosted.model is empty"),
        (Hosted(model="m"), KEY, "caps could not hold"),
    ],
)
def test_refused(settings: Hosted, env: dict[str, str], said: str) -> None:
    """An address in the clear, a disguised one, and a missing key, model or price are told in one sentence."""
    with pytest.raises(TonewrightError, match=said):
        endpoint_of(settings, env)
