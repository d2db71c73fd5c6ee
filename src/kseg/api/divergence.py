"""Where a replay begins to differ from the recorded run.

A log has digests of the state at some cycles only. Between the last one that was right and the
first that was wrong, two machines run side by side, one on the engine that has recorded, one on
the engine that replays, and the interval is halved until it is a single cycle.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kseg.api.machine import Machine
from kseg.api.snapshots import origin_of
from kseg.errors import DivergenceError, EngineError, KsegError
from kseg.history.compare import differences
from kseg.history.replay_verifier import Divergence
from kseg.history.snapshot import gather
from kseg.history.state import Header
from kseg.isa.disassembler import disassemble
from kseg.machine.board_state import BoardState
from kseg.machine.input_history import Position
from kseg.monitor.stop import StopReason
from kseg.version import __version__

if TYPE_CHECKING:
    from kseg.api.replay import Replay

MOST_LINES = 8
"""Differences that are named."""


@dataclass(frozen=True, slots=True)
class _Position:
    """Where one of the machines stood."""

    state: BoardState
    position: Position


class _Side:
    """One of the two machines, free of the log's digests from where all was well."""

    def __init__(self, replay: "Replay", same: int) -> None:
        """Run to `same`; DivergenceError when even that does not work."""
        self.machine: Machine = replay.machine
        self._history = replay.log.history
        self.name = f"{self.machine.engine.statistics.name}, {self.machine.setup.execution.monitor}"
        self._problem = ""
        if self.machine.cycles < same:
            self.machine.run(cycles=same - self.machine.cycles)
        self.machine.observers.remove(replay.verifier)

    def place(self) -> _Position:
        board = self.machine.board
        return _Position(board.save(), board.input_port.position)

    def go_back(self, place: _Position) -> None:
        self.machine.board.load(place.state)
        self.machine.board.input_port.replay(self._history, place.position)
        self.machine.monitor.state_loaded()
        self._problem = ""

    def go_on(self, cycle: int) -> None:
        """Run to a cycle, or to where the machine stops before it."""
        if self._problem or self.machine.cycles >= cycle:
            return
        try:
            stop = self.machine.run(cycles=cycle - self.machine.cycles)
        except DivergenceError as error:
            # It wants something that the recorded machine did not: no state to go on from.
            self._problem = str(error)
            return
        if stop.reason is not StopReason.CYCLE_LIMIT:
            self._problem = f"stops: {stop.reason}"

    def header(self) -> Header:
        return gather(self.machine.board.save(), origin_of(self.machine, alone=True))[0]

    @property
    def problem(self) -> str:
        """Why it went no further."""
        return self._problem


class _Pair:
    def __init__(self, recorded: _Side, replayed: _Side) -> None:
        self.recorded, self.replayed = recorded, replayed
        self.sides = (recorded, replayed)

    def go_on(self, cycle: int) -> None:
        for side in self.sides:
            side.go_on(cycle)

    def go_back(self, places: tuple[_Position, _Position]) -> None:
        for side, place in zip(self.sides, places, strict=True):
            side.go_back(place)

    def places(self) -> tuple[_Position, _Position]:
        return self.recorded.place(), self.replayed.place()

    @property
    def differ(self) -> bool:
        one, other = self.sides
        if (one.problem, one.machine.cycles) != (other.problem, other.machine.cycles):
            return True
        return one.machine.board.save() != other.machine.board.save()


def locate(replay: "Replay", error: Divergence) -> list[str]:
    """What differs since which cycle, a few lines for the user."""
    origin = replay.log.keyframe_before(error.same).snapshot.header.origin
    mine = replay.machine
    with ExitStack() as stack:

        def side(engine: str, monitor: str) -> _Side:
            found = replay.again(engine, monitor, error.same)
            stack.callback(found.close)
            return _Side(found, error.same)

        try:
            recorded = side(origin.engine, origin.monitor)
        except EngineError as problem:
            return [f"the engine that has recorded cannot be used for comparison: {problem}"]
        except KsegError as problem:
            return [f"nor can it be repeated as it was recorded: {problem}", _blame(origin.kseg)]
        replayed = side(mine.engine.statistics.name, mine.setup.execution.monitor)
        return _search(_Pair(recorded, replayed), error, origin.kseg)


def _search(pair: _Pair, error: Divergence, version: str) -> list[str]:
    same, other = error.same, max(error.cycle, error.same + 1)
    start = pair.places()
    pair.go_on(other)
    if not pair.differ:
        ways = " and ".join(dict.fromkeys(f"({side.name})" for side in pair.sides))
        found = (
            f"between cycles {error.same} and {error.cycle}, {ways} do the same as each other, and"
            " not what the log says"
        )
        return [found, _blame(version)]
    while other - same > 1:
        middle = (same + other) // 2
        pair.go_back(start)
        pair.go_on(middle)
        if pair.differ:
            other = middle
            continue
        places = pair.places()
        pair.go_on(other)
        if not pair.differ:
            # It takes a run in one piece, as translated code gets it.
            break
        same, start = middle, places
    pair.go_back(start)
    before = _where(pair.recorded.machine)
    pair.go_on(other)
    return _report(pair, same, other, before)


def _report(pair: _Pair, same: int, other: int, before: str) -> list[str]:
    recorded, replayed = pair.sides
    when = (
        f"the first cycle that differs is {other}"
        if other - same == 1
        else f"the first difference comes in a run from cycle {same} to {other}"
    )
    lines = [f"{when}, after {before}"]
    lines.append(f"as recorded ({recorded.name}) and as replayed ({replayed.name}):")
    found = []
    for side, name in zip(pair.sides, ("recorded", "replayed"), strict=True):
        if side.problem:
            found.append(f"  as {name}, it {_verb(side.problem)} at cycle {side.machine.cycles}")
    found += [f"  {line}" for line in differences(recorded.header(), replayed.header())]
    if len(found) > MOST_LINES:
        found[MOST_LINES:] = [f"  and {len(found) - MOST_LINES} more"]
    return lines + found


def _verb(problem: str) -> str:
    return problem if problem.startswith("stops") else f"goes astray ({problem})"


def _where(machine: Machine) -> str:
    """What each processor that executes is about to do."""
    found = []
    for processor in machine.processors:
        if processor.condition != "running":
            continue
        try:
            word = machine.memory.virtual(processor.number).word(processor.pc)
            text = f": {disassemble(word, processor.pc)}"
        except LookupError:
            text = ""
        found.append(f"processor {processor.number} was at pc {processor.pc:#010x}{text}")
    return "; ".join(found) or "all processors waited"


def _blame(version: str) -> str:
    if version != __version__:
        return f"the log is of kseg {version}, this is {__version__}: replay it with that version"
    return "the log was altered, or written by another build of this version of kseg"
