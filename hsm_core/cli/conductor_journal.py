"""Records facts about a sweep, as its conductor for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hsm_core.processes.identity import this_process
from hsm_core.store import events
from hsm_core.store.files import nonce
from hsm_core.store.journal import JournalWriter
from hsm_core.store.lease import take_lease
from hsm_core.store.state.sweep_state import SweepState


@contextmanager
def conductor_journal(state: SweepState) -> Iterator[JournalWriter]:
    """Yields a conductor's journal, and seals it afterwards; reads the state again before.

    Raises:
        LeaseHeld: somebody else conducts the sweep.
        OSError: the disk refuses.
    """
    me = this_process()
    lease = take_lease(state.paths, state.record.id, me)
    try:
        state.refresh()
        name = f"conductor-{nonce()}"
        journal = JournalWriter(state.paths.journal(name))
        journal.append(events.ConductorHead(name, me, by="hsm"))
        yield journal
        if not journal.seal() and journal.trouble:
            raise journal.trouble
    finally:
        lease.release()


def record_stopped(state: SweepState) -> None:
    """Records that somebody checked, and that nothing is left to run or to wait for.

    Raises:
        LeaseHeld, OSError: see ``conductor_journal``.
    """
    with conductor_journal(state):
        pass
    state.refresh()
