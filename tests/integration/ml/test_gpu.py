"""What only a GPU can show; elsewhere these tests are skipped, and the same script goes its way on the processor."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY, Tell

pytestmark = [pytest.mark.proof, pytest.mark.train, pytest.mark.timeout(1800)]


def recipes(*more: str) -> list[str]:
    """The lines of benchmarks/gpu.py, one a recipe; it fails when a peak is not within a tenth of its plan."""
    words = [sys.executable, str(REPOSITORY / "benchmarks" / "gpu.py"), *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    lines = [line.strip() for line in done.stdout.splitlines() if " planned " in line]
    for line in lines:
        speed, other, limit = map(float, re.findall(r"(\d+) tokens/s, TRL +(\d+), chip's limit +(\d+)", line)[0])
        assert 0 < speed < limit, line
        assert other > 0
    return lines


@pytest.mark.gpu
def test_every_recipe_takes_what_the_planner_says(tell: Tell) -> None:
    """The four recipes with random weights of their real shapes, in 8 GB: each peak is within a tenth of the plan."""
    lines = recipes()
    assert [line.split()[0] for line in lines] == ["smollm2-1.7b", "tinyllama-1.1b", "phi-2", "codellama-7b"]
    for line in lines:
        tell(line)


def test_the_script_goes_through_on_the_processor() -> None:
    """A small shape takes every step but the GPU's own measure of memory."""
    (line,) = recipes("--tiny")
    assert line.startswith("tiny ")
