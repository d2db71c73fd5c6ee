"""Calibration, before anything is measured: which peers work, and about how fast."""

from kseg.bench.harness import Harness, Speed
from kseg.bench.kseg_peer import Kseg
from kseg.bench.peer import Peer
from kseg.bench.process import MeasureError, TimeOut

PATIENCE = 2.5
"""Seconds for a million instructions; a peer that takes longer takes part only when asked for by
name."""

LONG_ENOUGH = 0.1
"""Seconds of processor time from which on a rate can be told."""

MOST_ROUNDS = 1 << 20


def calibrate(harness: Harness, program: str, named: frozenset[str]) -> None:
    """Try every peer at `program`; those that fail or are too slow are left out of everything.

    `named` are the peers that the user has asked for by name.
    """
    harness.say("looking which emulators are here")
    for peer in harness.peers:
        try:
            if isinstance(peer, Kseg):
                # Compiles the interpreter, which then is in the cache.
                harness.run(peer.boot("cms", "halt"))
            harness.speeds[peer.name] = _speed(harness, peer, program, patient=peer.name in named)
        except TooSlow as slow:
            harness.leave_out(peer.name, str(slow))
        except MeasureError as error:
            harness.failed(peer.name, error)
    harness.engines = [peer for peer in harness.engines if peer.name in harness.speeds]
    harness.others = [peer for peer in harness.others if peer.name in harness.speeds]


class TooSlow(Exception):
    """Measuring this peer would take for ever; the text says what to do to have it."""


def _speed(harness: Harness, peer: Peer, program: str, *, patient: bool) -> Speed:
    try:
        start = harness.run_program(peer, program, 1, limit=None if patient else PATIENCE)
    except TimeOut:
        if patient:
            raise
        why = f"a million instructions take it over {PATIENCE:.1f} s; name it to measure it"
        raise TooSlow(why) from None
    if start.processor_time > 1:
        return Speed(1 / start.processor_time, 0)
    rounds = 16
    while rounds <= MOST_ROUNDS:
        done = harness.run_program(peer, program, rounds)
        spent = done.processor_time - start.processor_time
        if spent > LONG_ENOUGH:
            return Speed(rounds / spent, start.wall_time)
        rounds *= 4
    raise MeasureError(f"{rounds} rounds of {program} take it no time")
