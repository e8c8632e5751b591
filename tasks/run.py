"""One event from lease to end state: who handles which kind, and what becomes of an error."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from tasks import listen, pair, push, retrain, revise, tag, take_note, take_post
from tasks.workers import current_owner
from tonewright.corpus import trigger
from tonewright.corpus.erase import drop_copies
from tonewright.errors import BadInput, Missing, Refused, TonewrightError, TryLater
from tonewright.events import FAILED, NOTE, PAIR, POST, PROSODY, PUSH, REFUSED, RETRAIN, REVISION, TAG
from tonewright.ledger.leases import Lease, LostLease, lease
from tonewright.workspace import Workspace

log = logging.getLogger("tonewright.tasks")

MISSING_SECONDS = 600.0

HANDLERS: dict[str, Callable[[Workspace, Lease], None]] = {
    POST: take_post.handle,
    NOTE: take_note.handle,
    REVISION: revise.handle,
    PROSODY: listen.handle,
    TAG: tag.handle,
    PAIR: pair.handle,
    PUSH: push.handle,
    RETRAIN: retrain.handle,
}


def run_event(workspace: Workspace, event: int) -> list[int]:
    """Work on `event` if it is free and due; returns the ids of events that followed from it."""
    held = lease(workspace.ledger, event, current_owner(workspace))
    if held is None:
        return []
    try:
        with held.kept():
            HANDLERS[held.event.kind](workspace, held)
    except LostLease as e:
        log.info("%s", e)
    except TryLater as e:
        held.wait(e.seconds, str(e))
    except Missing as e:  # an extra or a model that the author has not installed yet
        held.wait(MISSING_SECONDS, str(e))
    except Refused as e:
        held.end(REFUSED, str(e))
    except BadInput as e:
        held.end(FAILED, str(e))
        log.warning("%s", e)
    except TonewrightError as e:
        log.warning("%s: %s", held.event.source, e)
        held.fail(str(e))
    except Exception as e:  # a bug of ours must not stop the other events
        log.exception("event %d (%s)", held.event.id, held.event.source)
        last = traceback.extract_tb(e.__traceback__)[-1]
        held.fail(f"{type(e).__name__}: {e} ({last.name}, line {last.lineno}); this is a bug in tonewright")
    if not workspace.ledger.lent_to:  # the ledger's own host looks at the thresholds; it need not send us the corpus
        drop_copies(workspace)
        trigger.check(workspace, cause=event)
    children = workspace.ledger.read("SELECT id FROM events WHERE parent = ? AND state = 'pending'", (event,))
    return [int(row[0]) for row in children]
