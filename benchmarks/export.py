"""Exports beside llama.cpp's own converters: adapter, merged f16, Q8_0, Q4_K_M; time, memory, and the same numbers.

The peer is convert_lora_to_gguf.py, and PEFT's `merge_and_unload` with convert_hf_to_gguf.py and llama.cpp's quantiser
behind it, as they lie in the source package of the llama-cpp-python that is installed (fetched once, 77 MB, or given
with `--llama-cpp FOLDER`). It needs `pip install sentencepiece` and the train extra. Both sides begin with SmolLM2-135M
and a LoRA adapter of random weights; every export is a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

from tonewright.workspace import cache_folder

ROUNDS = 3
FORMS = ("adapter", "f16", "q8_0", "q4_k_m")
OURS, PEER = "tonewright", "llama.cpp"
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
UNIT = 1 if sys.platform == "darwin" else 1024  # of `ru_maxrss`


def prepare(folder: Path) -> None:
    """What both sides begin with in `folder`: base.gguf, weights/ (the same for transformers) and adapter/."""
    import torch

    from tonewright.models.base import find_base
    from tonewright.training import base_weights, trainer
    from tonewright.training.recipe import Recipe

    base, recipe = find_base("smollm2-135m"), Recipe(method="lora", dtype="float32", rank=16)
    weights = base_weights.convert(base.gguf, base.sha256, cache_folder() / "host" / "cache")
    (folder / "base.gguf").symlink_to(base.gguf)
    (folder / "weights").symlink_to(weights)
    with base_weights.quiet_transformers():
        model = trainer.add_adapter(base_weights.load_model(weights, recipe, "cpu"), recipe)
        torch.manual_seed(0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(0, 0.01)
        model.save_pretrained(str(folder / "adapter"))


def ours(folder: Path, form: str, out: Path) -> None:
    """From base and PEFT adapter to `out`, as `tonewright model export` does it."""
    from tonewright.gguf.adapter import write_adapter
    from tonewright.gguf.merge import merge
    from tonewright.gguf.quantise import quantise

    adapter = out if form == "adapter" else out.with_suffix(".adapter")
    write_adapter(folder / "adapter", folder / "base.gguf", adapter)
    if form == "adapter":
        return
    merged = out if form == "f16" else out.with_suffix(".f16")
    merge(folder / "base.gguf", adapter, merged)
    if form != "f16":
        quantise(merged, out, form)


def theirs(folder: Path, form: str, out: Path, source: Path) -> None:
    """The same by PEFT and llama.cpp's scripts."""
    if form == "adapter":
        script = ["convert_lora_to_gguf.py", "--base", str(folder / "weights"), str(folder / "adapter")]
        _script(source, [*script, "--outtype", "f16", "--outfile", str(out)])
        return
    import peft
    import torch

    from tonewright.training.base_weights import quiet_transformers

    merged, whole = out.with_suffix(".f16"), out.with_suffix(".hf")
    with quiet_transformers() as transformers:
        model = transformers.AutoModelForCausalLM.from_pretrained(str(folder / "weights"), dtype=torch.float32)
        peft.PeftModel.from_pretrained(model, str(folder / "adapter")).merge_and_unload().save_pretrained(str(whole))
        transformers.AutoTokenizer.from_pretrained(str(folder / "weights")).save_pretrained(str(whole))
    goal = out if form == "f16" else merged
    _script(source, ["convert_hf_to_gguf.py", str(whole), "--outtype", "f16", "--outfile", str(goal)])
    if form != "f16":
        from tonewright.gguf.quantise import quantise  # what `llama-quantize` calls as well

        quantise(merged, out, form)


def _script(source: Path, words: list[str]) -> None:
    done = subprocess.run([sys.executable, str(source / words[0]), *words[1:]], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words[0]}: {done.stderr.strip().splitlines()[-1]}")


def one(side: str, form: str, folder: Path, out: Path, source: Path) -> None:
    """One export in this process, and what it took as JSON: its own and its children's."""
    began = time.perf_counter()
    if side == OURS:
        ours(folder, form, out)
    else:
        theirs(folder, form, out, source)
    wall, used = time.perf_counter() - began, [resource.getrusage(w) for w in WHO]
    cpu, peak = sum(u.ru_utime + u.ru_stime for u in used), max(u.ru_maxrss for u in used) * UNIT
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "bytes": out.stat().st_size}))


def llama_cpp() -> Path:
    """The sources of the installed llama.cpp, fetched on first use."""
    version = importlib.metadata.version("llama-cpp-python")
    kept = cache_folder() / "benchmarks"
    source = kept / f"llama_cpp_python-{version}" / "vendor" / "llama.cpp"
    if not source.is_dir():
        kept.mkdir(parents=True, exist_ok=True)
        print(f"fetching the sources of llama-cpp-python {version}", file=sys.stderr)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(kept)]
        subprocess.run([*pip, f"llama-cpp-python=={version}"], check=True)
        (archive,) = kept.glob(f"llama_cpp_python-{version}.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(kept, filter="data")
    return source


def furthest(own: Path, other: Path) -> str:
    """How far two GGUF files differ: in names and shapes, or by the largest difference of two dequantised numbers."""
    import gguf
    import numpy as np
    from gguf.quants import dequantize

    mine, its = ({t.name: t for t in gguf.GGUFReader(file).tensors} for file in (own, other))
    if mine.keys() != its.keys():
        return f"{len(mine.keys() ^ its.keys())} tensors are in one file alone"
    apart, kinds = 0.0, 0
    for name, tensor in mine.items():
        if list(tensor.shape) != list(its[name].shape):
            return f"{name} has two shapes"
        kinds += tensor.tensor_type != its[name].tensor_type
        a, b = (dequantize(t.data, t.tensor_type) for t in (tensor, its[name]))
        apart = max(apart, float(np.abs(a.reshape(b.shape) - b).max()))
    return f"{len(mine)} tensors, {kinds} of another type, at most {apart:.1e} apart"


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """The middle of each figure."""
    return {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}


def table(found: dict[tuple[str, str], list[dict[str, float]]], apart: dict[str, str]) -> None:
    """Medians of the rounds; times as ratios to the peer's."""
    print("| | time | processor time | peak, MB | file, MB | the two files |\n|---|---:|---:|---:|---:|---|")
    for form in FORMS:
        own, its = (medians(found[form, side]) for side in (OURS, PEER))
        ratio = {key: own[key] / its[key] for key in ("wall", "cpu")}
        peaks, sizes = (f"{own[key] / 1e6:.0f} (theirs {its[key] / 1e6:.0f})" for key in ("peak", "bytes"))
        print(f"| {form} | {ratio['wall']:.2f} x | {ratio['cpu']:.2f} x | {peaks} | {sizes} | {apart[form]} |")


def main() -> int:
    """Sides in turns, so that whatever else the machine does hits both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--llama-cpp", type=Path, help="a folder with llama.cpp's sources")
    parser.add_argument("--one", nargs=5, metavar=("SIDE", "FORM", "FOLDER", "OUT", "SOURCE"), help=argparse.SUPPRESS)
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one(*args.one[:2], *map(Path, args.one[2:]))
        return 0
    if args.prepare:
        prepare(args.prepare)
        return 0
    if missing := [name for name in ("peft", "sentencepiece") if importlib.util.find_spec(name) is None]:
        print(f"skipped: {' and '.join(missing)} not installed (pip install 'tonewright[train]' sentencepiece)")
        return 0
    source, apart = args.llama_cpp or llama_cpp(), {}
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        call(["--prepare", place])  # not here: a child's peak begins with its parent's
        for _ in range(args.rounds):
            for form in FORMS:
                for side in (OURS, PEER):
                    out = folder / f"{side}.{form}.gguf"
                    told = call(["--one", side, form, place, str(out), str(source)])
                    found.setdefault((form, side), []).append(json.loads(told.splitlines()[-1]))
        for form in FORMS:
            apart[form] = furthest(*(folder / f"{side}.{form}.gguf" for side in (OURS, PEER)))
    print(f"{platform.machine()}, {os.cpu_count()} cores, SmolLM2-135M, medians of {args.rounds} rounds")
    table(found, apart)
    return 0


def call(words: list[str]) -> str:
    """This script once more, in a process of its own; what it printed."""
    command: list[Any] = [sys.executable, __file__, *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
