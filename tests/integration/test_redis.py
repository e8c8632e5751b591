"""Doorbells on Redis, which may be absent, empty or wrong without anything being lost."""

from __future__ import annotations

import json

from tests.conftest import QUIET, Blog, Redis

WORDS = "The kettle gave up on Tuesday, which is the day it usually picks, and I drink tea from a pan."


def queue_link(blog: Blog) -> dict[str, object]:
    """What `doctor` finds of the queue."""
    told = json.loads(blog.tonewright("doctor", "--json").out)
    (link,) = (f for f in told["findings"] if f["link"] == "queue")
    return dict(link)


def test_without_redis_events_wait(blog: Blog, redis: Redis) -> None:
    """A scan with Redis down keeps the events and says that nobody could be rung; `up --once` needs no bell."""
    blog.settings(f'queue = "{redis.url}"\n{QUIET}')
    blog.post("kettle", WORDS)
    blog.commit()
    assert queue_link(blog)["ok"] is True
    redis.kill()
    done = blog.tonewright("scan")
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 new event")
    assert "the queue could not be rung" in done.err
    assert queue_link(blog)["ok"] is False
    assert blog.tonewright("up", "--once").code == 0
    assert json.loads(blog.tonewright("status", "--json").out)["events"]["post"] == {"done": 1}


def test_a_queue_that_is_none(blog: Blog) -> None:
    """An address of another kind is refused, and no password is ever shown."""
    blog.settings('queue = "amqp://me:hush@example.org"\n')
    done = blog.tonewright("status")
    assert done.code == 78
    assert "queue is 'amqp://example.org'" in done.err
    blog.settings()
    shown = blog.tonewright("doctor", env={"TONEWRIGHT_QUEUE": "redis://me:hush@127.0.0.1:1/0"})
    assert "127.0.0.1:1/0 does not answer" in shown.out
    assert "hush" not in shown.out + shown.err
    settings = blog.tonewright("config", "show", env={"TONEWRIGHT_QUEUE": "redis://me:hush@127.0.0.1:1/0"})
    assert "hush" not in settings.out
