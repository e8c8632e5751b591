"""How the threads of numeric libraries wait for each other: hardly spinning, so that other work can go on beside us."""

from __future__ import annotations

import os

# Of libgomp's wait loop, some microseconds. Without any, a training step takes a third more time on an idle machine;
# with the default of 300,000 it takes several times as long as soon as something else wants the cores.
_SPINS = "1000"


def calm_threads() -> None:
    """Must be called before torch or llama.cpp is first imported. Who has set OMP_WAIT_POLICY keeps it."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
