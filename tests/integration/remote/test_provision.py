"""`tonewright host provision` against a real sshd: a machine with nothing but Python becomes one that can train.

The packages are tiny stand-ins, built here as real wheels and installed by the real pip from a folder over there.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import QUIET, Blog, until
from tests.integration.remote.conftest import LAPTOP, Sshd
from tonewright.remote.host import HostSettings

pytestmark = pytest.mark.sshd

TORCH = """
__version__ = "{version}"
class cuda:
    is_available = staticmethod(lambda: False)
"""
TOMLI = "class TOMLDecodeError(ValueError): pass\ndef loads(text): return {}\n"


def wheel(folder: Path, name: str, version: str, text: str, padding: int = 0) -> None:
    """A wheel with one module, as PEP 427 has it; `padding` random bytes make it big."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if padding:
        files[f"{name}.bin"] = os.urandom(padding)
    record = "".join(
        f"{path},sha256={urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)


@dataclass
class Bare:
    """A machine behind sshd with a Python, and whatever else a test puts on its PATH."""

    blog: Blog
    settings: HostSettings
    bin: Path
    wheels: Path

    def program(self, name: str, text: str) -> Path:
        """A program over there."""
        file = self.bin / name
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        return file

    def configure(self, more: str = "", root: Path | None = None) -> None:
        """Settings that take the stand-ins from the folder of wheels."""
        requirements = self.blog.root.parent / "requirements.txt"
        requirements.write_text("torch==2.13.0\ntomli==2.5.0\n")
        own = f'requirements = "{requirements}"\nindex = "{self.wheels}"\n'
        text = LAPTOP.format(self.settings).replace(self.settings.python, str(self.bin / "python"))
        text = text.replace(self.settings.root, str(root)) if root else text
        self.blog.settings(QUIET + text + own + more)


@pytest.fixture
def bare(blog: Blog, stranger: HostSettings, sshd: Sshd, tmp_path: Path) -> Bare:
    """A trusted machine whose Python has no pip and no ensurepip, as Debian's and Ubuntu's have none."""
    made = Bare(blog, stranger, tmp_path / "bin", tmp_path / "wheels")
    made.bin.mkdir()
    wheel(made.wheels, "torch", "2.13.0", TORCH.format(version="2.13.0"))
    wheel(made.wheels, "tomli", "2.5.0", TOMLI)
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'ensurepip' else find(name, package)\n"
    )
    base = Path(sys.base_prefix) / "bin" / "python3"
    made.program("python", f'PATH="{made.bin}:$PATH" PYTHONPATH="{hidden}" exec "{base}" "$@"\n')
    made.configure()
    assert blog.tonewright("host", "add", "laptop", "--yes", sshd.fingerprint).code == 0
    return made


def test_from_nothing_but_python(bare: Bare, sshd: Sshd) -> None:
    """Dry: told, nothing done. Then done, though the line is cut in the middle. Then nothing to do, and it says so."""
    blog, root = bare.blog, Path(bare.settings.root)
    assert "has no PyTorch" in blog.tonewright("host", "check", "laptop").err
    dry = blog.tonewright("host", "provision", "laptop", "--dry-run")
    assert (dry.code, root.exists()) == (0, False), dry.err
    assert "would install 2 packages, torch==2.13.0 for the processor" in dry.out
    command = [sys.executable, "-m", "tonewright", "host", "provision", "laptop"]
    with subprocess.Popen(command, cwd=blog.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        until((root / "venv").is_dir)
        sshd.cut()
        said = first.communicate(timeout=60)[0]
        assert first.returncode in (0, 75)  # a line that is cut between two questions is opened again
    done = blog.tonewright("host", "provision", "laptop")
    assert done.code == 0, done.err
    assert "set up: PyTorch 2.13.0 on the processor (there is no NVIDIA GPU)" in said + done.out
    assert len(list((root / "jobs").iterdir())) == 1
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    again = blog.tonewright("host", "provision", "laptop")
    assert (again.code, "nothing to do" in again.out) == (0, True)
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before
    assert blog.tonewright("host", "check", "laptop").code == 0


def test_what_a_machine_prints_in_windows_lines(bare: Bare) -> None:
    """A greeting and carriage returns around every answer change nothing."""
    inner = bare.bin / "python"
    inner.rename(bare.bin / "inner")
    bare.program("python", f"""printf 'Welcome!\\r\\n'; "{bare.bin}/inner" "$@" | sed 's/$/\\r/'\n""")
    told = bare.blog.tonewright("host", "check", "laptop", "--json")
    assert json.loads(told.out)["lacks"].startswith("has no PyTorch"), told.err


@pytest.mark.proof
def test_a_driver_that_pytorch_cannot_use(bare: Bare) -> None:
    """A GPU that the driver shows and PyTorch cannot use is named, with the way out; the log is kept over there."""
    bare.program("nvidia-smi", "echo 'NVIDIA GeForce RTX 4070 Laptop GPU, 8188, 7900'\n")
    told = bare.blog.tonewright("host", "provision", "laptop")
    assert told.code == 1
    assert "the driver shows NVIDIA GeForce RTX 4070 Laptop GPU, and PyTorch 2.13.0 cannot use it" in told.err
    assert "torch_index" in told.err
    assert Path(told.err.rstrip().rpartition("log: ")[2]).is_file()
    assert "RTX 4070" in bare.blog.tonewright("host", "check", "laptop", "--json").out


@pytest.mark.proof
def test_a_full_disk_over_there(bare: Bare, small_disk: Path) -> None:
    """One sentence; once there is room the same command goes on."""
    wheel(bare.wheels, "torch", "2.13.0", TORCH.format(version="2.13.0"), padding=3 << 20)
    bare.configure(root=small_disk / "root")
    told = bare.blog.tonewright("host", "provision", "laptop")
    assert told.code in (1, 75)
    assert told.err.count("\n") == 1
    assert "full" in told.err or "No space left" in told.err
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert bare.blog.tonewright("host", "provision", "laptop").code == 0


def test_another_torch(bare: Bare, tmp_path: Path) -> None:
    """A PyTorch that is too old is named with its version and the way out; a driver that fails is as good as none."""
    bare.program("nvidia-smi", "echo 'NVIDIA-SMI has failed because it could not reach the driver.'; exit 9\n")
    (tmp_path / "torch.py").write_text(TORCH.format(version="2.1.0+cu118"))
    bare.program("python", f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" -S "$@"\n')
    told = bare.blog.tonewright("host", "check", "laptop")
    assert (told.code, "has PyTorch 2.1.0+cu118, and training needs 2.6 or newer" in told.err) == (78, True)
    assert "tonewright host provision laptop" in told.err


@pytest.mark.proof
def test_a_package_that_is_nowhere(bare: Bare) -> None:
    """Its name is in the sentence, and with the package there the same command goes on."""
    wheel_file = bare.wheels / "torch-2.13.0-py3-none-any.whl"
    wheel_file.rename(bare.bin / "away")
    told = bare.blog.tonewright("host", "provision", "laptop")
    assert (told.code, "torch==2.13.0" in told.err) == (1, True)
    (bare.bin / "away").rename(wheel_file)
    assert bare.blog.tonewright("host", "provision", "laptop").code == 0
