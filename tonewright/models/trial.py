"""Load a GGUF that came from elsewhere in a child process first: what brings llama.cpp down there hurts nobody else.

python -m tonewright.models.trial BASE [ADAPTER]
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from tonewright.errors import BadInput, TonewrightError
from tonewright.models.base import BaseModel, sha256_of
from tonewright.models.gguf_header import read_header
from tonewright.process import run
from tonewright.workspace import cache_folder

SECONDS = 300.0
_REFUSED = 4


def require_loadable(base: BaseModel, adapter: Path | None = None) -> None:
    """Raise `BadInput` unless llama.cpp can load these and read a token; what passed once is not tried again."""
    files = [base.gguf] if adapter is None else [base.gguf, adapter]
    for file in files:
        read_header(file)
    name = "-".join(sha256[:32] for sha256 in [base.sha256, *([sha256_of(adapter)] if adapter else [])])
    passed = cache_folder() / "loadable" / name
    if passed.exists():
        return
    words = [sys.executable, "-m", "tonewright.models.trial", *map(str, files)]
    done = run(words, timeout=SECONDS, check=False)
    if done.returncode == _REFUSED:
        raise BadInput(done.stdout.strip(), "fetch or export it again")
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise BadInput(f"{files[-1]} brings llama.cpp down ({how})", "it is not loaded; fetch or export it again")
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()


def main(argv: Sequence[str]) -> int:
    """The child: no core file, no file written, a bounded time; 0 when it went well."""
    from tonewright.models.llama import LocalModel

    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CPU, int(SECONDS))):
        resource.setrlimit(limit, (most, most))
    try:
        with LocalModel(*(Path(name) for name in argv), n_ctx=64) as model:
            model.logits(model.tokenize("a")[:1] or [0])
    except TonewrightError as e:
        print(e.what)  # noqa: T201 - what the parent reads
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
