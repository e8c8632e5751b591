"""A retrain from snapshot to verdict. Each step can be repeated; the ledger remembers which one is next."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tasks import models
from tonewright import runs
from tonewright.corpus import snapshot
from tonewright.corpus.export import export
from tonewright.corpus.rows import collect_with_reasons
from tonewright.errors import BadInput, NothingToDo, Refused, TonewrightError
from tonewright.events import DONE, REFUSED
from tonewright.gate.examination import examine
from tonewright.gguf.parity import check
from tonewright.hosts import choose, settings_for
from tonewright.ledger.leases import Lease
from tonewright.models import registry
from tonewright.models.base import BaseModel, original_weights, sha256_of
from tonewright.models.trial import require_loadable
from tonewright.remote import courier
from tonewright.remote.host import open_host
from tonewright.training.recipe import load_recipe, require_carried
from tonewright.workspace import Workspace

# What one step does: it returns the step that follows, or None when the event has to wait.
Step = Callable[[Workspace, Lease, runs.Run], str | None]

MIN_ROWS = 8  # fewer than this teach nothing but themselves


def handle(workspace: Workspace, lease: Lease, steps: Mapping[str, Step] | None = None) -> None:
    """Do `steps` (those below) until one has to wait; a finished run ends as `done` or, by the gate, `refused`."""
    steps = steps or STEPS
    run = runs.of_event(workspace.ledger, lease.event.id) or _begin(workspace, lease)
    while run.step in steps:
        following = steps[run.step](workspace, lease, run)
        if following is None:
            return
        runs.advance(workspace.ledger, run.id, following)
        run = runs.of_event(workspace.ledger, lease.event.id) or run
    _conclude(workspace, lease, run)


def _begin(workspace: Workspace, lease: Lease) -> runs.Run:
    """Freeze the corpus, write the job's files, and name the run by everything that goes into it."""
    sifted = collect_with_reasons(workspace.ledger, workspace.config)
    recipe = load_recipe(workspace.config.training.recipe)
    require_carried(recipe)
    parts = snapshot.divided(sifted.rows, second=recipe.prefers)
    train, pairs = parts[snapshot.TRAIN_FILE], parts.get(snapshot.PREFERENCE_FILE, [])
    if len(train) < MIN_ROWS:
        raise Refused(f"the corpus has {len(train)} rows to train on", f"write until there are {MIN_ROWS}")
    base = models.base_of(workspace)
    weights = _hashes(original_weights(workspace.config.model.weights))
    settings = json.dumps(dataclasses.asdict(recipe), sort_keys=True)
    made = workspace.folder("runs", f"incoming-{lease.event.id}")
    _, code = courier.pack_code(made)
    snapshot.write(parts, made)
    export(workspace.ledger, sifted.rows, workspace.folder("corpus") / "corpus.jsonl", left_out=sifted.left_out)
    with workspace.ledger.transaction() as tx:
        frozen = snapshot.freeze(tx, [row for part in parts.values() for row in part])
        name = runs.name(
            snapshot=frozen.id,
            recipe=hashlib.sha256(settings.encode()).hexdigest(),
            base="".join([base.sha256, *weights.values()]),
            code=code,
        )
        spec = {
            "run": name,
            "command": ["{python}", "-m", "tonewright.remote.launch", "{job}"],
            "base": {
                "gguf": "blobs/base.gguf",
                "sha256": base.sha256,
                "name": base.name,
                "weights": "blobs/weights" if weights else None,
                "weights_sha256": weights,
            },
            "recipe": dataclasses.asdict(recipe),
            "cache": "../../cache",
        }
        (made / "spec.json").write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")
        job = workspace.folder("runs") / name
        if job.exists():  # the same run, or this one from before a crash
            shutil.rmtree(made)
        else:
            made.rename(job)
        host = workspace.config.training.host[0]  # until one has taken it
        run = runs.Run(name, frozen.id, lease.event.id, host, recipe.name, base.sha256, runs.SHIP, {}, tx.now, tx.now)
        runs.add(tx, run)
        told = f"{len(train)} rows" + (f" and {len(pairs)} preference pairs" if pairs else "")
        tx.tell(lease.event.id, "leased", f"run {name}: {told} from snapshot {frozen.id}")
    begun = runs.of_event(workspace.ledger, lease.event.id)
    assert begun is not None
    return begun


def _ship(workspace: Workspace, lease: Lease, run: runs.Run) -> str:
    """Bring the job to the first host that can take it; what is there already is not sent again."""
    name = choose(workspace, run.id)
    runs.place(workspace.ledger, run.id, name)
    with open_host(settings_for(workspace, name)) as host:
        blobs = {"base.gguf": _base(workspace, run).gguf}
        blobs |= {f"weights/{name}": file for name, file in _weights(workspace, run).items()}
        courier.ship(host, _job(workspace, run), run.id, blobs)
    return runs.START


def _start(workspace: Workspace, lease: Lease, run: runs.Run) -> str:
    """Start it, or start it again after a crash or a reboot; a living one is left alone."""
    with open_host(settings_for(workspace, run.host)) as host:
        courier.start(host, run.id, again=lease.event.attempts > 0)
    return runs.POLL


def _poll(workspace: Workspace, lease: Lease, run: runs.Run) -> str | None:
    """Ask how far it is; while it runs, come back later."""
    with open_host(settings_for(workspace, run.host)) as host:
        state = courier.poll(host, run.id)
    runs.report(workspace.ledger, run.id, dataclasses.asdict(state))
    if state.state in ("absent", "queued"):
        return runs.SHIP if state.state == "absent" else runs.START
    if state.state == "dead":
        return runs.START
    if state.state != "finished":
        lease.wait(workspace.config.training.poll_seconds, f"run {run.id} is training on {run.host}")
        return None
    if state.rc != 0:
        runs.advance(workspace.ledger, run.id, runs.START)
        told = state.error or (state.log_tail.strip().splitlines() or ["it left no word"])[-1]
        raise TonewrightError(f"run {run.id} ended with {state.rc} on {run.host}", told)
    return runs.FETCH


def _fetch(workspace: Workspace, lease: Lease, run: runs.Run) -> str:
    """Bring the adapter and its reference back, hash by hash."""
    with open_host(settings_for(workspace, run.host)) as host:
        try:
            courier.fetch(host, run.id, _out(workspace, run))
        except NothingToDo as e:
            raise TonewrightError(f"run {run.id} finished without a model", "`tonewright retrain --now`") from e
    return runs.VERIFY


def _verify(workspace: Workspace, lease: Lease, run: runs.Run) -> str:
    """llama.cpp with the exported adapter must say what the trainer said, or the export is wrong."""
    base, out = _base(workspace, run), _out(workspace, run)
    require_loadable(base, out / registry.ADAPTER_FILE)  # it was made on another machine
    report = check(base.gguf, out / registry.ADAPTER_FILE, out / "reference.npz")
    _write(out / "parity.json", dataclasses.asdict(report))
    if not report.ok:
        raise BadInput(f"run {run.id}: llama.cpp and the trainer disagree", "; ".join(report.reasons))
    return runs.JUDGE


def _judge(workspace: Workspace, lease: Lease, run: runs.Run) -> str:
    """The gate: champion, challenger and the prompted base answer the same held-out items."""
    from tonewright.pages.verdict import verdict  # whoever judges has jinja2; the core has not

    out = _out(workspace, run)
    champion = registry.alias(workspace.ledger, registry.CHAMPION)
    same_base = champion is not None and champion.base == run.base
    report = examine(
        _job(workspace, run),
        _base(workspace, run).gguf,
        out / registry.ADAPTER_FILE,
        champion.adapter if champion and same_base and champion.run != run.id else None,
        workspace.config.gate,
        lambda: models.embedder(workspace),
        lambda told: runs.report(workspace.ledger, run.id, {"gate": told}),
    )
    _write(out / "report.json", report.as_dict())
    (out / registry.REPORT_TEXT).write_text(report.to_markdown(), encoding="utf-8")
    (out / registry.REPORT_PAGE).write_bytes(verdict(report, f"run {run.id}", time.strftime("%Y-%m-%d")))
    return runs.FINISHED


STEPS: Mapping[str, Step] = {
    runs.SHIP: _ship,
    runs.START: _start,
    runs.POLL: _poll,
    runs.FETCH: _fetch,
    runs.VERIFY: _verify,
    runs.JUDGE: _judge,
}


def _conclude(workspace: Workspace, lease: Lease, run: runs.Run) -> None:
    """Record the model and, if the gate said so, make it the champion: one transaction with the event's end."""
    out = _out(workspace, run)
    report: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    verdict = "promoted" if report["promote"] else "refused"
    adapter = sha256_of(out / registry.ADAPTER_FILE)
    with lease.finish(f"{verdict}: {'; '.join(report['reasons'])}", DONE if report["promote"] else REFUSED) as tx:
        model = registry.add(tx, run.id, out, adapter, verdict, report)
        registry.challenge(tx, model)
        if report["promote"]:
            registry.promote(tx, model)


def _base(workspace: Workspace, run: runs.Run) -> BaseModel:
    """The base that the run was begun with. Raises `BadInput` when the configuration names another by now."""
    base = models.base_of(workspace)
    if base.sha256 != run.base:
        raise BadInput(
            f"model.base is {base.name} now, and run {run.id} was begun with another",
            "set it back and `tonewright retry`, or start a run of the new one with `tonewright retrain --now`",
        )
    return base


def _weights(workspace: Workspace, run: runs.Run) -> dict[str, Path]:
    """The base's original weights that the run was begun with. Raises `BadInput` when they are others by now."""
    spec = json.loads((_job(workspace, run) / "spec.json").read_text(encoding="utf-8"))
    weights = original_weights(workspace.config.model.weights)
    found = _hashes(weights)
    if found != spec["base"].get("weights_sha256", found):  # a run of an older version does not say
        raise BadInput(
            f"the files of model.weights are not those that run {run.id} was begun with",
            "bring them back and `tonewright retry`, or start another run with `tonewright retrain --now`",
        )
    return weights


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: sha256_of(file) for name, file in files.items()}


def _job(workspace: Workspace, run: runs.Run) -> Path:
    return workspace.folder("runs", run.id)


def _out(workspace: Workspace, run: runs.Run) -> Path:
    return workspace.folder("models", run.id)


def _write(file: Path, record: dict[str, Any]) -> None:
    file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
