"""One post: its fields, and whether it is public."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tonewright.errors import BadInput
from tonewright.posts.post import LeftOut, Post, Published, is_post, parse, publication

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=1)))


def post(front: str = "", path: str = "_posts/2026-03-29-tea-and-toast.md", body: str = "Body.\n") -> Post:
    """A Jekyll post with a header."""
    return parse(f"---\n{front}\n---\n{body}".encode(), path)


def test_fields_of_a_jekyll_post() -> None:
    """Title, date, tones, summary, privacy and slug come out as written."""
    p = post("title: Tea\ndate: 2026-03-30 08:15:00 +0200\ntone: [dry, Snark]\nsummary: Hot.\nprivate: true")
    assert (p.title, p.tones, p.summary, p.private, p.slug) == (
        "Tea",
        ("dry", "snark"),
        "Hot.",
        True,
        "tea-and-toast",
    )
    assert p.date == datetime(2026, 3, 30, 8, 15, tzinfo=timezone(timedelta(hours=2)))


def test_fields_that_the_name_gives() -> None:
    """Without a header, the file's name gives date, slug and title."""
    p = parse(b"Body.\n", "_posts/2026-03-29-tea-and-toast.md")
    assert (p.title, p.date, p.slug, p.tones, p.summary) == (
        "Tea and toast",
        datetime(2026, 3, 29),
        p.slug,
        (),
        None,
    )


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("content/posts/tea/index.md", "tea"),
        ("content/2026-03-29-tea/index.md", "tea"),
        ("content/tea.markdown", "tea"),
        ("index.md", "index"),
        ("_posts/2026-13-45-tea.md", "2026-13-45-tea"),
    ],
)
def test_slugs(path: str, slug: str) -> None:
    """A page bundle is named by its folder; an impossible date is part of the name."""
    assert parse(b"", path).slug == slug


@pytest.mark.parametrize("table", ["extra", "params"])
def test_zola_and_hugo_tables(table: str) -> None:
    """Tones, summary and privacy may stand where Zola and Hugo keep an author's own keys."""
    own = f'[{table}]\ntones = "dry, snark"\nsummary = "Hot."\nprivate = true'
    p = parse(f"+++\ndate = 2026-03-29\n{own}\n+++\nBody.".encode(), "content/tea.md")
    assert (p.tones, p.summary, p.private, p.date) == (("dry", "snark"), "Hot.", True, datetime(2026, 3, 29))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-29", datetime(2026, 3, 29)),
        ("2026-03-29 18:30", datetime(2026, 3, 29, 18, 30)),
        ("2026-03-29 18:30:05", datetime(2026, 3, 29, 18, 30, 5)),
        ("2026-03-29T18:30:00Z", datetime(2026, 3, 29, 18, 30, tzinfo=timezone.utc)),
        (
            "2026-03-29 18:30 -0430",
            datetime(2026, 3, 29, 18, 30, tzinfo=timezone(-timedelta(hours=4, minutes=30))),
        ),
        ('"2026-03-29 18:30:00 +01:00"', datetime(2026, 3, 29, 18, 30, tzinfo=timezone(timedelta(hours=1)))),
    ],
)
def test_dates(written: str, read: datetime) -> None:
    """Every form that Jekyll and Hugo accept is read, its offset included."""
    found = post(f"date: {written}").date
    assert (found, found and found.utcoffset()) == (read, read.utcoffset())


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("title: Tea\ndate: last Tuesday", 3),
        ("tone: 3", 2),
        ("tone: no", 2),
        ("a: 1\ntones: [dry, {a: b}]", 3),
    ],
)
def test_bad_values_name_the_line(front: str, line: int) -> None:
    """A date that is none, or a tone that is no name, is refused where it stands."""
    with pytest.raises(BadInput, match=rf"tea-and-toast\.md:{line}: "):
        post(front)


def test_not_utf8() -> None:
    """Bytes in another encoding are refused with line, byte and a command that converts them."""
    with pytest.raises(BadInput, match=r"^p\.md:2: byte 9 \(0xe9\) is not UTF-8: .*iconv -f WINDOWS-1252") as e:
        parse(b"line\ntoo \xe9", "p.md")
    assert e.value.exit_code == 1


def test_bytes_come_back() -> None:
    """The text of a post is its file: byte-order mark, CRLF and all."""
    raw = "\ufeff---\r\ntitle: Tea\r\n---\r\nCafé.\r\n".encode()
    p = parse(raw, "p.md")
    assert p.text.encode() == raw
    assert (p.title, p.text[p.body_start :], p.line_of(p.body_start)) == ("Tea", "Café.\r\n", 4)


def test_lines() -> None:
    """Offsets map to lines, and keys to the line that they stand in."""
    p = post("title: Tea\ntone: dry", path="p.md")
    assert [p.line_of(i) for i in (0, 3, 4, len(p.text) - 1)] == [1, 1, 2, 5]
    assert (p.where("tone", "tones"), p.where("nothing")) == ("p.md:3", "p.md:1")


@pytest.mark.parametrize(
    ("front", "path", "reason"),
    [
        ("draft: perhaps", "_posts/2026-01-02-a.md", "draft: true"),
        ("private: not sure yet", "_posts/2026-01-02-a.md", "private: true"),
        ("status: Draft", "_posts/2026-01-02-a.md", "status: Draft"),
        ("visibility: private", "_posts/2026-01-02-a.md", "visibility: private"),
        ("draft: true", "_posts/2026-01-02-a.md", "draft: true"),
        ("", "_drafts/a.md", "it is in _drafts"),
        ("", "blog/_drafts/deep/a.md", "it is in _drafts"),
        ("published: no", "_posts/2026-01-02-a.md", "published: false"),
        ("private: true", "_posts/2026-01-02-a.md", "private: true"),
        ("tonewright: no", "_posts/2026-01-02-a.md", "tonewright: no"),
        ('tonewright: "no"', "_posts/2026-01-02-a.md", "tonewright: no"),
        ("expiryDate: 2026-11-01", "_posts/2026-01-02-a.md", "it expired on 2026-11-01 00:00+01:00"),
    ],
)
def test_left_out_for_good(front: str, path: str, reason: str) -> None:
    """Each way of keeping a post back is respected and named, and only an edit changes it."""
    assert publication(post(front, path), NOW) == LeftOut(reason, None)


@pytest.mark.parametrize(
    ("front", "until"),
    [
        ("date: 2026-11-23 12:00:01 +0100", datetime(2026, 11, 23, 11, 0, 1, tzinfo=timezone.utc)),
        ("date: 2026-11-24", datetime(2026, 11, 24, tzinfo=NOW.tzinfo)),
        ("date: 2026-01-01\npublishDate: 2027-01-01", datetime(2027, 1, 1, tzinfo=NOW.tzinfo)),
        ("date: 2027-02-01\npublishdate: 2027-01-01", datetime(2027, 2, 1, tzinfo=NOW.tzinfo)),
    ],
)
def test_left_out_until(front: str, until: datetime) -> None:
    """A post from the future says when it will be public; naive dates are in the reader's time zone."""
    found = publication(post(front), NOW)
    assert isinstance(found, LeftOut)
    assert found.until == until


@pytest.mark.parametrize(
    "front",
    [
        "",
        "date: 2026-11-23 12:00:00 +0100",
        "draft: false\npublished: true",
        "tonewright: yes",
        "private: no\nstatus: final",
    ],
)
def test_published(front: str) -> None:
    """A post that nothing holds back is public, from its very second on."""
    assert publication(post(front), NOW) == Published()


def test_own_draft_folders() -> None:
    """Configured draft folders replace the default, and a folder's name must match whole."""
    p = post("", "content/wip/notes/a.md")
    assert publication(p, NOW, ("content/wip",)) == LeftOut("it is in content/wip", None)
    assert publication(p, NOW, ("wi",)) == Published()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("_posts/2026-01-02-a.md", True),
        ("a.markdown", True),
        ("a.MDOWN", True),
        ("content/tea/index.md", True),
        ("readme-culture.md", True),
        ("README.md", False),
        ("docs/README.de.md", False),
        ("LICENSE.md", False),
        ("content/posts/_index.md", False),
        ("content/posts/_index.fr.md", False),
        (".hidden.md", False),
        ("a.txt", False),
        ("a.md~", False),
        ("md", False),
    ],
)
def test_which_files_are_posts(path: str, wanted: bool) -> None:
    """Markdown by its author is a post; what is about the repository is not."""
    assert is_post(path) is wanted
