"""Does an export do on llama.cpp what the adapter did where it was trained? A reference from there, checked here."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zipfile import BadZipFile

from tonewright.errors import BadInput
from tonewright.models.chat import ChatFormat
from tonewright.models.likelihood import token_nll

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Right adapters on a 4-bit base measure: cosine 0.9996, top-1 0.99, drift 0.9 to 1.0, perplexity 1.006.
# Wrong ones: q and k not reordered, drift 2.8; B zeroed, drift 11.7 and perplexity 1.38.
MIN_COSINE = 0.99
MIN_TOP1 = 0.9
MAX_DRIFT = 1.6
MAX_PPL_CHANGE = 0.10

_MAX_BYTES = 3_600_000  # of logits in a reference


@dataclass(frozen=True)
class ParityReport:
    """How llama.cpp with the adapter compares with the training side, over the reference's answer positions.

    `mean_cosine` compares logits, `top1` is the share of positions with the same likeliest token, and
    `ppl_ratio` is perplexity here over perplexity there. `drift` is how far the logits with the adapter are
    from the trainer's, over how far those of the bare base are: quantisation moves both alike, so it is 1 for
    a right adapter whatever the base's precision, and a wrong one stands out; None for a merged file.
    `reasons` says, for a person, what is out of bounds; `ok` means that nothing is.
    """

    ok: bool
    token_ids_equal: bool
    mean_cosine: float
    top1: float
    drift: float | None
    ppl_ratio: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Probe:
    """One text of the reference: as rendered, as token ids, and where the answer begins in these."""

    text: str
    ids: tuple[int, ...]
    start: int


def write_reference(model: Any, probes: Sequence[Probe], out: Path) -> None:
    """Write what the PEFT `model` makes of `probes` to `out` (.npz, below 4 MB).

    Holds the probes, the likeliest token and its cost at every answer position, and the logits with and
    without the adapter as float16 at a few positions spread evenly.
    """
    import numpy as np

    tuned = [_answer_logits(model, probe) for probe in probes]
    with model.disable_adapter():
        plain = [_answer_logits(model, probe) for probe in probes]
    every, width = sum(len(t) for t in tuned), tuned[0].shape[1]
    keep = np.unique(np.linspace(0, every - 1, max(1, _MAX_BYTES // (4 * width))).round().astype(int))
    whole, base = np.concatenate(tuned), np.concatenate(plain)
    content = io.BytesIO()
    np.savez_compressed(
        content,
        probes=np.array(json.dumps([[p.text, p.ids, p.start] for p in probes])),
        positions=keep,
        tuned=whole[keep].astype(np.float16),
        base=base[keep].astype(np.float16),
        top=whole.argmax(axis=1),
        nll=token_nll(whole, _answers(probes)),
    )
    aside = out.with_name(f".{out.name}")
    aside.write_bytes(content.getvalue())
    aside.replace(out)


def check(base_gguf: Path, adapter_gguf: Path, reference: Path) -> ParityReport:
    """Run the probes of `reference` through llama.cpp and compare. Raises `BadInput` for unreadable files."""
    from tonewright.models.llama import LocalModel

    there = _Reference(reference)
    with LocalModel(base_gguf, n_ctx=there.window) as model:
        base = _through_llama(model, there.probes)[there.positions]
    with LocalModel(base_gguf, adapter_gguf, n_ctx=there.window) as model:
        seen = _seen(model, base_gguf, there)
    drift = _distance(seen.logits[there.positions], there.tuned) / _distance(base, there.base)
    return _report(seen, there, drift=drift)


def check_merged(merged_gguf: Path, reference: Path, *, exact: bool) -> ParityReport:
    """The same of a merged file. Unless it is `exact`, meaning float16, only tokens and perplexity have bounds:
    logits of a quantised model are further from anything than a wrong adapter would be."""
    from tonewright.models.llama import LocalModel

    there = _Reference(reference)
    with LocalModel(merged_gguf, n_ctx=there.window) as model:
        seen = _seen(model, merged_gguf, there)
    return _report(seen, there, drift=None, logits=exact)


class _Reference:
    """What `write_reference` wrote, read back."""

    def __init__(self, file: Path) -> None:
        import numpy as np

        try:
            with np.load(file, allow_pickle=False) as stored:
                held = {key: stored[key] for key in stored.files}
            self.probes = [Probe(text, tuple(ids), start) for text, ids, start in json.loads(str(held["probes"]))]
            self.positions, self.tuned, self.base = held["positions"], held["tuned"], held["base"]
            self.top, self.nll = held["top"], held["nll"]
        except (OSError, ValueError, KeyError, BadZipFile) as e:
            raise BadInput(f"{file} is not a parity reference ({e})", "fetch it again from the training run") from e
        self.window = max(len(p.ids) for p in self.probes) + 1


class _Seen(NamedTuple):
    """What llama.cpp made of the probes: logits at every answer position, shape (positions, vocabulary)."""

    logits: NDArray[np.float32]
    ids_equal: bool
    double_bos: bool


def _seen(model: Any, gguf: Path, there: _Reference) -> _Seen:
    bos = ChatFormat.of(gguf).bos
    return _Seen(
        _through_llama(model, there.probes),
        all(model.tokenize(p.text) == list(p.ids) for p in there.probes),
        any(bool(bos) and p.text.startswith(bos + bos) for p in there.probes),
    )


def _report(seen: _Seen, there: _Reference, *, drift: float | None, logits: bool = True) -> ParityReport:
    import numpy as np

    mean_cosine = _cosine(seen.logits[there.positions], there.tuned)
    top1 = float((seen.logits.argmax(axis=1) == there.top).mean())
    ppl_ratio = float(np.exp(token_nll(seen.logits, _answers(there.probes)).mean() - there.nll.mean()))
    faults = (
        (not seen.ids_equal, "llama.cpp and the trainer split the same text into different tokens"),
        (seen.double_bos, "a prompt begins with two BOS tokens"),
        (
            logits and not mean_cosine > MIN_COSINE,
            f"the logits' mean cosine is {mean_cosine:.4f}, not above {MIN_COSINE}",
        ),
        (
            logits and not top1 > MIN_TOP1,
            f"the likeliest token agrees at {top1:.0%} of places, not above {MIN_TOP1:.0%}",
        ),
        (
            drift is not None and not drift < MAX_DRIFT,
            f"the adapter's logits are {drift:.1f} times as far off as the bare base's" if drift is not None else "",
        ),
        (
            not abs(ppl_ratio - 1) <= MAX_PPL_CHANGE,
            f"perplexity is {ppl_ratio:.2f} times the trainer's, more than {MAX_PPL_CHANGE:.0%} off",
        ),
    )
    reasons = tuple(text for fault, text in faults if fault)
    return ParityReport(not reasons, seen.ids_equal, mean_cosine, top1, drift, ppl_ratio, reasons)


def _answer_logits(model: Any, probe: Probe) -> NDArray[np.float32]:
    """Logits before each answer token, from PyTorch; shape (answer length, vocabulary)."""
    import torch

    model.eval()
    with torch.no_grad():
        ids = torch.tensor([probe.ids], device=model.device)
        keep = torch.arange(probe.start - 1, len(probe.ids) - 1, device=model.device)
        logits = model(input_ids=ids, logits_to_keep=keep, use_cache=False).logits[0]
    result: NDArray[np.float32] = logits.float().cpu().numpy()
    return result


def _through_llama(model: Any, probes: Sequence[Probe]) -> NDArray[np.float32]:
    """Logits before each answer token of all probes, from llama.cpp."""
    import numpy as np

    return np.concatenate([model.logits(p.ids)[p.start - 1 : -1] for p in probes])


def _answers(probes: Sequence[Probe]) -> list[int]:
    return [token for p in probes for token in p.ids[p.start :]]


def _cosine(a: NDArray[np.float32], b: NDArray[np.float16]) -> float:
    """The mean cosine between corresponding rows."""
    import numpy as np

    b = b.astype(np.float32)
    return float(((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


def _distance(a: NDArray[np.float32], b: NDArray[np.float16]) -> float:
    """The root mean square difference, each row without its mean: softmax ignores a shift of all logits."""
    import numpy as np

    difference = a - b.astype(np.float32)
    return float(np.sqrt(np.square(difference - difference.mean(axis=1, keepdims=True)).mean()))
