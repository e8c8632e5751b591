"""A push: nothing to do but to have been seen; the thresholds look at it."""

from __future__ import annotations

from tonewright.ledger.leases import Lease
from tonewright.workspace import Workspace


def handle(workspace: Workspace, lease: Lease) -> None:
    """Mark the push as seen."""
    with lease.finish(f"pushed {lease.event.payload['commit'][:10]}"):
        pass
