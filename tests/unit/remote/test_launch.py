"""How many processes train on a machine, and how they are started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.remote.launch import command, gpus


def test_the_driver_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each GPU that the driver shows, or that the author leaves visible; without a driver none."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == 0
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200'\necho 'GPU 1: NVIDIA H200'\n")
    driver.chmod(0o755)
    assert gpus() == 2
    for visible, number in (("1", 1), ("0,1", 2), ("", 0)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert gpus() == number


def test_the_command_starts_this_module_again(tmp_path: Path) -> None:
    """`accelerate launch` gets the number of processes, and the module and folder as its last words."""
    words = command(tmp_path, 2)
    assert words[1:3] == ["-m", "accelerate.commands.launch"]
    assert words[words.index("--num_processes") + 1] == "2"
    assert words[-3:] == ["-m", "tonewright.remote.launch", str(tmp_path)]
