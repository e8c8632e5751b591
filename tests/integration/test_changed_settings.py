"""Settings that change while a run is under way: it goes on as it began, or says what is in its way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tasks import retrain
from tests.crash import failpoint_retrain as story
from tonewright import runs
from tonewright.config.schema import Gate, Model, Training
from tonewright.errors import BadInput
from tonewright.ledger.leases import due, lease
from tonewright.workspace import Workspace


@pytest.fixture
def begun(tmp_path: Path) -> Workspace:
    """A run that has been named and not yet sent."""
    story.template(tmp_path / "template")
    blog = story.fresh(tmp_path / "template", tmp_path / "state")
    held = lease(blog.ledger, due(blog.ledger)[0], "test")
    assert held is not None
    retrain.handle(blog, held, {runs.SHIP: lambda *_: None})
    held.wait(0.0, "a change of settings")
    return blog


def changed(blog: Workspace, **sections: object) -> Workspace:
    """The same blog with other settings, as a worker sees it that starts now."""
    blog.ledger.close()
    return Workspace(blog.root, dataclasses.replace(blog.config, **sections), blog.state)


def test_what_a_run_is_made_of_was_frozen(begun: Workspace) -> None:
    """Another recipe, another share held out, a stricter gate: the run that was begun ends as one run, promoted."""
    (run,) = runs.every(begun.ledger)
    training = Training(recipe="tinyllama-1.1b", held_out=0.4, poll_seconds=0.0)
    blog = changed(begun, training=training, gate=Gate(items=3))
    story.play(blog, lambda *_: None)
    ended = runs.every(blog.ledger)
    assert [(r.id, r.recipe, r.step) for r in ended] == [(run.id, "smollm2-135m", runs.FINISHED)]
    blog.ledger.close()


def test_another_base_is_never_sent_in_its_place(begun: Workspace) -> None:
    """The sentence names the base, and with the old one back the same run goes on."""
    other = begun.state / "other.gguf"
    other.write_bytes((begun.state / "base.gguf").read_bytes() + bytes(32))
    blog = changed(begun, model=Model(base=str(other)))
    held = lease(blog.ledger, due(blog.ledger)[0], "test")
    assert held is not None
    with pytest.raises(BadInput, match=r"model\.base is other now, and run .* was begun with another"):
        retrain.handle(blog, held)
    held.wait(0.0, "the old base is back")
    blog = changed(blog, model=begun.config.model)
    story.play(blog, lambda *_: None)
    assert [r.step for r in runs.every(blog.ledger)] == [runs.FINISHED]
    blog.ledger.close()


def test_other_weights_are_never_sent_in_their_place(tmp_path: Path) -> None:
    """The base's original safetensors count as the base does: changed under a run, it waits for the old ones."""
    story.template(tmp_path / "template")
    file = tmp_path / "weights" / "model.safetensors"
    file.parent.mkdir()
    file.write_bytes(bytes(16))
    blog = story.fresh(tmp_path / "template", tmp_path / "state")
    blog = changed(blog, model=dataclasses.replace(blog.config.model, weights=str(file.parent)))
    held = lease(blog.ledger, due(blog.ledger)[0], "test")
    assert held is not None
    retrain.handle(blog, held, {runs.SHIP: lambda *_: None})
    file.write_bytes(bytes(17))
    ship = {runs.SHIP: retrain.STEPS[runs.SHIP], runs.START: lambda *_: None}
    with pytest.raises(BadInput, match=r"model\.weights are not those that run .* was begun with"):
        retrain.handle(blog, held, ship)
    assert [r.step for r in runs.every(blog.ledger)] == [runs.SHIP]
    file.write_bytes(bytes(16))
    retrain.handle(blog, held, ship)
    held.wait(0.0, "the old weights were sent")
    assert [r.step for r in runs.every(blog.ledger)] == [runs.START]
    blog.ledger.close()
