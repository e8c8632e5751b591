"""Who may talk to the page, and how it hands out a recording: asked by a plain HTTP client, as anybody could."""

from __future__ import annotations

import http.client
import io
import wave
from pathlib import Path

import pytest

from tests.conftest import Blog
from tests.web.conftest import Sitting, Start, files
from tonewright.pages.ranges import Unsatisfiable, part


class Client:
    """Somebody on this machine; `cookie` is what the first visit gave."""

    def __init__(self, sitting: Sitting) -> None:
        self.port, self.host = sitting.port, f"127.0.0.1:{sitting.port}"
        self.cookie = ""
        self.query = sitting.url.partition("?")[2]

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        sent = {"Host": self.host, **({"Cookie": self.cookie} if self.cookie else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        link.putrequest(method, path, skip_host=True)
        for name, value in {**sent, "Content-Length": str(len(body))}.items():
            link.putheader(name, value)
        link.endheaders(body.encode())
        answer = link.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        link.close()
        return found

    def visit(self) -> dict[str, str]:
        """The first visit; returns its headers."""
        status, headers, _ = self.ask("GET", f"/?{self.query}")
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]
        return headers


def test_only_the_page_itself_gets_in(three: Blog, start: Start) -> None:
    """No token, a wrong one, another host name, another page's form: refused, and nothing is decided."""
    client = Client(start(three))
    assert client.ask("GET", "/")[0] == 403
    assert client.ask("GET", "/?token=guess")[0] == 403
    headers = client.visit()
    assert headers["location"] == "/"
    assert {"HttpOnly", "SameSite=Strict"} <= set(headers["set-cookie"].split("; "))
    status, headers, page = client.ask("GET", "/")
    assert status == 200
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert client.query.removeprefix("token=") not in page.decode()
    own = f"http://{client.host}"
    for method, path, sent in (
        ("GET", "/", {"Host": f"evil.example:{client.port}"}),
        ("GET", "/", {"Host": "127.0.0.1"}),
        ("GET", "/", {"Sec_Fetch_Site": "cross-site"}),
        ("GET", f"/?{client.query}", {"Sec_Fetch_Site": "cross-site"}),
        ("POST", "/undo", {}),
        ("POST", "/undo", {"Origin": "http://evil.example"}),
        ("POST", "/undo", {"Origin": "null"}),
        ("POST", "/undo", {"Origin": own, "Sec_Fetch_Site": "same-site"}),
        ("POST", "/undo", {"Origin": own, "Cookie": "tonewright-1=x; \x7f"}),
    ):
        assert client.ask(method, path, **sent)[0] == 403, (method, path, sent)
    assert client.ask("POST", "/undo", Origin=own, Sec_Fetch_Site="same-origin")[0] == 409
    assert client.ask("POST", "/skip", "passage=-7", Origin=own)[0] == 200
    assert client.ask("POST", "/decide", "passage=1&version=x&tone=mauve", Origin=own)[0] == 409
    assert client.ask("POST", "/decide", "passage=1&version=x&tone=dry", Origin=own)[0] == 409
    assert client.ask("POST", "/decide", f"tone={'x' * 70_000}", Origin=own)[0] == 400
    assert client.ask("GET", "http://[/")[0] == 400
    assert client.ask("GET", "/nothing")[0] == 404
    assert client.ask("GET", "/static/../review.py")[0] == 404
    assert client.ask("GET", "/audio/..%2F..%2Fledger.db")[0] == 404
    assert client.ask("DELETE", "/")[0] == 501
    assert files(three) == []


def test_a_recording_comes_in_the_parts_that_are_asked_for(note: Blog, start: Start) -> None:
    """The whole WAV, its first bytes, its last, and 416 for a part that is not there; HEAD sends the size alone."""
    client = Client(start(note))
    client.visit()
    ledger = note.workspace().ledger
    rows = ledger.read("SELECT p.id FROM passages p JOIN documents d ON d.id = p.document WHERE d.origin = 'note'")
    path = f"/audio/{rows[0][0]}.wav"
    status, headers, whole = client.ask("GET", path)
    assert (status, headers["accept-ranges"], headers["content-type"]) == (200, "bytes", "audio/wav")
    with wave.open(io.BytesIO(whole)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.getnframes() > 16_000
    for asked, kept in (("bytes=0-99", whole[:100]), ("bytes=-10", whole[-10:]), ("bytes=44-", whole[44:])):
        status, headers, body = client.ask("GET", path, Range=asked)
        assert (status, body) == (206, kept)
        assert headers["content-range"].endswith(f"/{len(whole)}")
    status, headers, _ = client.ask("GET", path, Range=f"bytes={len(whole)}-")
    assert (status, headers["content-range"]) == (416, f"bytes */{len(whole)}")
    status, headers, body = client.ask("HEAD", path)
    assert (status, int(headers["content-length"]), body) == (200, len(whole), b"")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=5-999", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=4-2", None),
        ("bytes=0-1,4-5", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 40 + "-", None),
    ],
)
def test_ranges(header: str, expected: tuple[int, int] | None) -> None:
    """Single ranges are served; several, and what is no range of bytes, are as good as none."""
    assert part(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=-0", "bytes=99-100"])
def test_ranges_outside(header: str) -> None:
    """A range with nothing in it is an error of its own."""
    with pytest.raises(Unsatisfiable):
        part(header, 10)


def test_nothing_to_review_and_a_port_that_is_taken(three: Blog, start: Start, tmp_path: Path) -> None:
    """Exit code 75 for the port, 2 for a senseless limit, 3 once everything has its tone."""
    sitting = start(three, "--limit", "2")
    assert sitting.passages == 2
    assert three.tonewright("review", "--no-browser", "--port", str(sitting.port)).code == 75
    assert three.tonewright("review", "--limit", "0").code == 2
    three.tonewright("tag", "_posts/2026-01-02-a.md", "dry")
    done = three.tonewright("review", "--no-browser")
    assert (done.code, "nothing waits for a tone" in done.err) == (3, True)
