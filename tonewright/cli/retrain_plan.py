"""`tonewright retrain plan`: what the next run would need on each host, before anything is sent there."""

from __future__ import annotations

from dataclasses import asdict

from tonewright.cli import show
from tonewright.errors import TonewrightError
from tonewright.planning import on_hosts, wanted
from tonewright.training.plan import Plan
from tonewright.workspace import Workspace


def run(workspace: Workspace, as_json: bool) -> int:
    """Exit code 1 when it fits nowhere."""
    asked = wanted(workspace)
    found = dict(on_hosts(workspace, asked))
    fits = any(isinstance(plan, Plan) and plan.fits for plan in found.values())
    if as_json:
        hosts = {name: asdict(plan) if isinstance(plan, Plan) else {"error": str(plan)} for name, plan in found.items()}
        show.as_json({"recipe": asdict(asked.recipe), "rows": len(asked.lengths), "fits": fits, "hosts": hosts})
        return 0 if fits else 1
    print(
        f"recipe {asked.recipe.name} ({asked.recipe.method}) on {asked.base.name}, "
        f"{asked.shape.parameters / 1e6:.0f} million parameters, {len(asked.lengths)} rows"
    )
    for name, plan in found.items():
        _tell(name, plan)
    return 0 if fits else 1


def _tell(name: str, plan: Plan | TonewrightError) -> None:
    if not isinstance(plan, Plan):
        print(f"{name}: {plan}")
        return
    print(f"{name}: {plan.why}")
    recipe, held = plan.recipe, plan.held
    tensors = f"weights {_size(held.weights)}, adapter {_size(held.adapter)}"
    show.table(
        [
            *([("GPU memory", _size(plan.gpu))] if plan.gpu else []),
            ("RAM", _size(plan.ram)),
            ("disk", _size(plan.disk)),
            ("time", f"about {_duration(plan.seconds)}"),
            ("tensors", f"{tensors}, activations {_size(held.activations)}, logits {_size(held.logits)}"),
            (
                "sequences",
                f"{recipe.sequence_length} tokens, {recipe.batch} at once, {recipe.accumulation} accumulated",
            ),
            ("checkpointing", "on" if recipe.gradient_checkpointing else "off"),
        ]
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 5e7 else f"{count / 1e6:.1f} MB"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{max(1, round(seconds / 60))} min"
