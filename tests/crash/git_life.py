"""A writer with two machines and a guest, who do to their repositories whatever Git lets them do."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.conftest import AUTHOR, Blog

GUEST = {"GIT_AUTHOR_EMAIL": "guest@example.org", "GIT_AUTHOR_NAME": "Guest"}
PUSHER = "PUSHED_FROM"  # the bare repository's hook writes this variable of the pushing process down
RECEIVED = '#!/bin/sh\nwhile read -r old new ref; do echo "$PUSHED_FROM $old $new $ref"; done >> "$GIT_DIR/arrived"\n'
NOBODY = "0" * 40
HIDDEN = ("published: false", "draft: true", "private: true")
NOUNS = ("kettle", "lock", "cat", "towpath", "stove", "lamp", "rope", "winch", "bell", "duchess", "meter")


def readable(text: str) -> list[str]:
    """The paragraphs of a post as these tests write it; none where its header keeps it from readers."""
    _, header, body = text.split("---\n", 2)
    hidden = set(header.splitlines()) & set(HIDDEN)
    return [] if hidden else [paragraph.strip() for paragraph in body.strip().split("\n\n")]


def prose(rng: random.Random, number: int) -> str:
    """One to three paragraphs that no other number has."""
    paragraphs = []
    for part in range(rng.randint(1, 3)):
        one, other = rng.sample(NOUNS, 2)
        paragraphs.append(f"Passage {number}.{part} says that the {one} and the {other} are well today.")
    return "\n\n".join(paragraphs) + "\n"


def toggled(text: str, how: str) -> str:
    """A hidden post shown, a public one hidden by the line `how`."""
    lines = text.splitlines(keepends=True)
    shown = [line for line in lines if line.strip() not in HIDDEN]
    return "".join(shown) if shown != lines else "".join([lines[0], how + "\n", *lines[1:]])


class Life:
    """`choose` picks an operation by the seed; each leaves `main` checked out and nothing half done."""

    def __init__(self, blog: Blog, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.mine, self.bare, self.url = blog, folder / "remote.git", str(folder / "remote.git")
        self.linked = folder / "linked"
        self.number = 0
        blog.git("init", "-q", "--bare", self.url)
        hook = self.bare / "hooks" / "post-receive"
        hook.write_text(RECEIVED)
        hook.chmod(0o755)
        self.new_post()
        blog.git("remote", "add", "origin", self.url)
        self.push("-u", "origin", "main")
        blog.git("clone", "-q", self.url, str(folder / "other"))
        self.other = Blog(folder / "other")
        self.operations: list[tuple[int, Callable[[], object]]] = [
            (14, self.new_post),
            (10, self.edit),
            (5, self.rename),
            (4, self.delete),
            (5, self.hide_or_show),
            (5, self.amend),
            (5, self.merge_a_side_branch),
            (4, self.rebase),
            (4, self.cherry_pick),
            (4, self.revert),
            (4, self.reset),
            (3, self.commit_in_a_worktree),
            (1, self.collect_garbage),
            (14, lambda: self.push("origin", "main")),
            (3, lambda: self.push("--force", "origin", "main")),
            (2, lambda: self.push("--no-verify", "origin", "main")),
            (2, lambda: self.push("--dry-run", "origin", "main")),
            (2, lambda: self.push("--all", "origin")),
            (2, lambda: self.push(self.url, "main", pusher="url")),
            (4, lambda: self.push("origin", f"main:refs/heads/{self.topic()}")),
            (2, self.delete_a_branch),
            (2, self.push_a_tag),
            (3, self.fetch),
            (6, self.pull),
            (8, self.others_push),
        ]

    def choose(self) -> Callable[[], object]:
        """The next operation."""
        weights, doings = zip(*self.operations)
        doing: Callable[[], object] = self.rng.choices(doings, weights)[0]
        return doing

    def arrivals(self) -> list[tuple[str, str, str]]:
        """(who, branch, commit) of every branch that reached the bare repository, in order, by its own word."""
        lines = (self.bare / "arrived").read_text().splitlines()
        parts = [line.split() for line in lines]
        return [
            (who, ref.removeprefix("refs/heads/"), new)
            for who, _, new, ref in parts
            if ref.startswith("refs/heads/") and new != NOBODY
        ]

    def topic(self) -> str:
        """The name of one of a few branches."""
        return f"topic-{self.rng.randrange(3)}"

    def push(self, *words: str, pusher: str = "mine") -> None:
        """Push from the first machine; whether it arrives is the remote's affair."""
        self.mine.git("push", "-q", *words, check=False, env={PUSHER: pusher})

    def delete_a_branch(self) -> None:
        self.push("origin", "--delete", self.topic())

    def fetch(self) -> None:
        self.mine.git("fetch", "-q", "--prune", "origin")

    def push_a_tag(self) -> None:
        self.number += 1
        self.mine.git("tag", f"v{self.number}")
        self.push("origin", f"v{self.number}")

    def text(self) -> str:
        """A post that no other post is like."""
        self.number += 1
        return f"---\ntitle: Number {self.number}\n---\n\n{prose(self.rng, self.number)}"

    def commit(self, blog: Blog, env: dict[str, str] | None = None) -> None:
        blog.git("add", "-A")
        flags = ["--no-verify"] if self.rng.random() < 0.2 else []
        blog.git("commit", "-q", "--allow-empty", "-m", f"number {self.number}", *flags, env=env)

    def some_post(self) -> Path | None:
        """One of the author's own posts; what the guest wrote is left alone."""
        posts = sorted(p for p in (self.mine.root / "_posts").glob("*.md") if not p.name.startswith("guest"))
        return self.rng.choice(posts) if posts else None

    def new_post(self) -> None:
        self.number += 1
        self.mine.write(f"_posts/post-{self.number}.md", self.text())
        self.commit(self.mine)

    def edit(self) -> None:
        if post := self.some_post():
            self.number += 1
            longer = f"{post.read_text()}\n{prose(self.rng, self.number)}"
            post.write_text(longer if self.rng.random() < 0.5 else self.text())
            self.commit(self.mine)

    def rename(self) -> None:
        if post := self.some_post():
            self.number += 1
            post.rename(post.with_name(f"renamed-{self.number}.md"))
            self.commit(self.mine)

    def delete(self) -> None:
        if post := self.some_post():
            post.unlink()
            self.commit(self.mine)

    def hide_or_show(self) -> None:
        if post := self.some_post():
            post.write_text(toggled(post.read_text(), self.rng.choice(HIDDEN)))
            self.commit(self.mine)

    def amend(self) -> None:
        if post := self.some_post():
            if self.rng.random() < 0.6:
                post.write_text(self.text())
            self.mine.git("commit", "-q", "-a", "--amend", "--allow-empty", "-m", "better", "--reset-author")

    def _side(self, back: int) -> None:
        """A branch `side` with one commit of its own, some commits behind; ends on `main`."""
        self.mine.git("checkout", "-q", "-B", "side", f"HEAD~{back}" if self._depth() > back else "HEAD")
        self.rng.choice([self.new_post, self.edit])()
        self.mine.git("checkout", "-q", "main")

    def _depth(self) -> int:
        return int(self.mine.git("rev-list", "--count", "--first-parent", "HEAD"))

    def _or_abort(self, *words: str) -> None:
        """A conflict is no operation."""
        self.mine.git(*words, check=False)
        for state, abort in (
            ("MERGE_HEAD", "merge"),
            ("CHERRY_PICK_HEAD", "cherry-pick"),
            ("REVERT_HEAD", "revert"),
            ("rebase-merge", "rebase"),
        ):
            if (self.mine.root / ".git" / state).exists():
                self.mine.git(abort, "--abort")
        assert self.mine.git("status", "--porcelain") == ""

    def merge_a_side_branch(self) -> None:
        self._side(self.rng.randint(0, 3))
        self._or_abort("merge", "-q", "--no-edit", self.rng.choice(["--no-ff", "--ff"]), "side")

    def rebase(self) -> None:
        self._side(self.rng.randint(1, 3))
        self._or_abort("rebase", "-q", "side")

    def cherry_pick(self) -> None:
        self._side(self.rng.randint(0, 3))
        self._or_abort("cherry-pick", "side")

    def revert(self) -> None:
        commits = self.mine.git("log", "-8", "--no-merges", f"--author={AUTHOR}", "--format=%H").split()
        if len(commits) > 1:
            self._or_abort("revert", "--no-edit", self.rng.choice(commits[:-1]))

    def reset(self) -> None:
        back = self.rng.randint(1, 3)
        if self._depth() > back:
            self.mine.git("reset", "-q", "--hard", f"HEAD~{back}")

    def commit_in_a_worktree(self) -> None:
        self.mine.git("worktree", "add", "-q", "-B", "linked", str(self.linked), "main")
        linked = Blog(self.linked)
        linked.write(f"_posts/linked-{self.number}.md", self.text())
        self.commit(linked)
        self.mine.git("worktree", "remove", "--force", str(self.linked))
        self.mine.git("merge", "-q", "linked")

    def collect_garbage(self) -> None:
        self.mine.git("gc", "-q", "--prune=now")

    def pull(self) -> None:
        if self.rng.random() < 0.5:
            self._or_abort("pull", "-q", "--rebase", "origin", "main")
        else:
            self._or_abort("pull", "-q", "--no-rebase", "--no-edit", "origin", "main")

    def others_push(self) -> None:
        """The second machine, or the guest on it, takes what there is, adds a post and pushes; or throws work away."""
        self.other.git("fetch", "-q")
        self.other.git("reset", "-q", "--hard", "origin/main")
        guest = self.rng.random() < 0.4
        self.other.write(f"_posts/{'guest' if guest else 'other'}-{self.number}.md", self.text())
        self.commit(self.other, GUEST if guest else None)
        if self.rng.random() < 0.2:
            self.other.git("reset", "-q", "--hard", "HEAD~1")
        self.other.git("push", "-q", "--force", "origin", "main", env={PUSHER: "other"})
