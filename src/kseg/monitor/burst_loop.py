"""The burst loop: a board runs on an engine, burst for burst, until Python is needed.

Typed Python: one text that runs natively where there is native code, and in CPython elsewhere. The
loop is System/161's: run a burst, commit its cycles, dispatch what is due, look at the input port
every so often, and when every processor waits, let time jump to what comes next. What it needs
Python for, it returns for: a device without native code, input, an observer, a debugger; the run
loop (`run_loop`) sees to that, and calls again.
"""

from enum import IntEnum, IntFlag
from typing import Any

from kseg.devices.lines import Lines
from kseg.engine.codegen.typed import (
    Structure,
    i32,
    i64,
    likely,
    swapped,
    through,
    u32,
    u64,
    unlikely,
)
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import (
    LATCH_LOADED,
    LATCH_STORED,
    MAX_PROCESSORS,
    STEADY_SLOTS,
    Context,
    Shared,
)
from kseg.engine.interpreter.runtime.idling import pass_idly
from kseg.isa.registers import STATUS_BEV
from kseg.machine.board_record import BoardRecord
from kseg.machine.clock import EventClock

WORD_MASK = 0xFFFFFFFF
NEVER = (1 << 63) - 1
"""A cycle, or a time, that no machine comes to."""

LONGEST_STRETCH = 4_000_000
"""Cycles for which the loop runs without a look at what Python has to do: about a millisecond of
the host's time."""
MOST_BURSTS = 256
"""The same in bursts."""
BOOT = 10_000_000
"""Cycles in which a kernel sets up its handlers, if it ever does."""


class Why(IntEnum):
    """Why `advance` returns, if not for an exit of the engine, which is returned as its
    ExitReason."""

    BETWEEN_BURSTS = 200
    """Python is to look at the machine, or has to decide how idle time passes."""
    POLL = 201
    """The same, and the input port is to be polled before."""
    AT_END = 202
    """The cycle has come at which the machine is to stand."""
    STRETCH_OVER = 203
    """The engine wants to look at its own affairs."""
    RAISED = 204
    """What Python was told of has raised an exception."""


class Look(IntFlag):
    """When Python is to look at the machine between two bursts."""

    OFTEN = 0
    """Every millisecond or so."""
    EVERY_BURST = 1
    """After every burst of the board; not before, as otherwise, those in which nothing happens may
    run as one."""
    BURST = 2
    """Between any two bursts."""
    OUTPUT = 4
    """When something has been printed."""
    IDLE = 8
    """When every processor waits."""


_OVER = -1
"""The burst is over, or has come to where the machine is to stand."""


class BurstLoop(Structure):
    """What the loop works on. `driver` is who executes, in CPython."""

    board_address: u64
    shared_address: u64
    run_address: u64
    skip_address: u64
    """0: the engine's processors are those of `shared`, and nobody else need know."""
    happen_address: u64
    start: u64
    """The cycle of the engine's clock in which the burst began."""
    end: u64
    """The cycle at which the machine is to stand."""
    looks: u32
    look_at: u64
    """The virtual time at which Python is to look."""
    input_cycle: u64
    input_time: u64
    """When the next input comes that a history tells of; NEVER if none does."""
    natively: bool
    """The devices' native code is to be used, where there is some."""
    jumps: bool
    """Idle time passes at once."""
    jumped: bool
    """Idle time has passed since Python looked last."""
    types: bool
    """What the board's typist was lent is to be typed natively."""
    fatal: bool
    """The guest has done what its hardware does not survive; the burst is to come to its end."""

    swaps: bool
    """Devices' words lie in memory with their bytes in the other order."""
    stretch_end: u64
    """The cycle at which the engine wants to look at its own affairs."""

    driver: Any = None

    @property
    def board(self) -> BoardRecord:
        return BoardRecord.from_address(self.board_address)

    @property
    def lines(self) -> Lines:
        """Of the board's bus."""
        return Lines.from_address(self.board.lines_address)

    @property
    def shared(self) -> Shared:
        return Shared.from_address(self.shared_address)

    @property
    def context(self) -> Context:
        """Of the processor whose turn it is."""
        shared = self.shared
        return Context.from_address(shared.contexts[shared.turn % MAX_PROCESSORS])

    @property
    def engine_clock(self) -> u64:
        """The engine's clock, exact also while an exit is being answered."""
        clock: u64 = self.context.processor.clock if self.shared.inside else self.shared.round
        return clock

    @through("run_address")
    def run(self, shared: Shared, until: u64) -> i32:  # noqa: ARG002
        """Let the engine run until its clock shows `until`: an ExitReason."""
        return int(self.driver.run(until))

    @through("skip_address")
    def skip_elsewhere(self, cycles: u64) -> None:
        """Let an engine skip that is not in `shared`."""
        self.driver.skip(cycles)

    @through("happen_address")
    def happen(self, board: BoardRecord, owner: u32, name: u32, argument: i64) -> u32:  # noqa: ARG002
        """Tell Python of an event; not 0 if that has raised something."""
        self.driver.happen(owner, name, argument)
        return 0

    def skip(self, cycles: i64) -> None:
        """Idle cycles of the burst under way pass."""
        if cycles <= 0:
            return
        self.board.clock.idle(u64(cycles))
        if self.skip_address:
            self.skip_elsewhere(u64(cycles))
        else:
            pass_idly(self.shared, u64(cycles))


def advance(loop: BurstLoop) -> i32:
    """Run the board, from where it stands, until Python is needed: an ExitReason, whose exit is to
    be answered, or a `Why`."""
    board = loop.board
    clock, typist = board.clock, board.typist
    began = loop.engine_clock
    bursts: u32 = 0
    loop.jumped = False
    while True:
        if not clock.in_burst:
            begin(loop, clock)
        code = run_burst(loop, clock)
        if code != _OVER:
            return code
        if clock.elapsed < clock.burst or loop.fatal:
            return Why.AT_END
        loop.jumped = loop.jumped or clock.jumping
        polls = clock.commit_burst()
        if dispatch(loop, clock):
            return Why.RAISED
        if loop.types and polls and typist.arriving >= 0:
            typist.deliver()
            if unlikely(board.raised):
                return Why.RAISED
        if polls and (board.attention or loop.engine_clock >= loop.input_cycle):
            return Why.POLL
        bursts = u32(bursts + 1)
        if bursts >= MOST_BURSTS or u64(loop.engine_clock - began) >= LONGEST_STRETCH:
            return Why.BETWEEN_BURSTS
        if loop.types and not typist.type_next(clock, board.all_idle):
            return Why.BETWEEN_BURSTS
        if looked_at(loop, board, clock) or not goes_on(loop, board, clock):
            return Why.RAISED if unlikely(board.raised) else Why.BETWEEN_BURSTS


def begin(loop: BurstLoop, clock: EventClock) -> None:
    """Begin a burst. Where nothing can happen it may be longer than an ordinary one."""
    clock.begin_burst()
    loop.start = loop.engine_clock
    board = loop.board
    typed = loop.types and board.typist.arriving >= 0
    if not (loop.looks & Look.EVERY_BURST or board.attention or typed):
        early = loop.start < BOOT and board.processors[0].status & STATUS_BEV != 0
        if loop.input_cycle > loop.start and not early:
            clock.lengthen_burst(min(LONGEST_STRETCH, u64(loop.input_cycle - loop.start)))


def looked_at(loop: BurstLoop, board: BoardRecord, clock: EventClock) -> bool:
    """Between two bursts: is Python to look at the machine?"""
    looks = loop.looks
    if board.attention or looks & (Look.EVERY_BURST | Look.BURST) or clock.now >= loop.look_at:
        return True
    if looks & Look.OUTPUT and board.news:
        return True
    if looks & Look.IDLE and loop.jumped:
        return True
    # A guest that fails before it has handlers is to be noticed at once.
    return board.processors[0].status & STATUS_BEV != 0


def goes_on(loop: BurstLoop, board: BoardRecord, clock: EventClock) -> bool:
    """Between two bursts: let time jump, if every processor waits; False where Python has to decide
    how idle time passes."""
    if loop.types and board.typist.arriving >= 0 and board.all_idle:
        board.typist.deliver()
        if unlikely(board.raised):
            return False
    if not board.all_idle:
        return True
    if not loop.jumps or loop.looks & Look.IDLE or clock.count == 0:
        return False
    due = clock.queue[0].due
    if due > loop.input_time:
        return False
    clock.begin_jump(u64(due - clock.now), False)
    loop.start = loop.engine_clock
    return True


def dispatch(loop: BurstLoop, clock: EventClock) -> bool:
    """Dispatch what is due, also what handlers schedule for now; whether Python has raised
    something."""
    board = loop.board
    while clock.is_due:
        event = clock.queue[0]
        owner, name, argument = event.owner, event.name, event.argument
        clock.remove(0)
        handler = board.handler(owner, name)
        if loop.natively and handler.function:
            handler.call(handler.device, argument)
            if unlikely(board.raised):
                return True
        elif loop.happen(board, owner, name, argument):
            return True
    return False


def run_burst(loop: BurstLoop, clock: EventClock) -> i32:
    """Run to the burst's end, or to where the machine is to stand: an ExitReason that is for
    Python, a `Why`, or _OVER."""
    if clock.jumping:
        loop.skip(i64(length_of(loop, clock) - clock.elapsed))
        return _OVER
    shared = loop.shared
    while True:
        # Answers may cut the burst, so its length is looked up again each time.
        length = length_of(loop, clock)
        if clock.elapsed >= length:
            return _OVER
        until = u64(loop.start + length)
        code = loop.run(shared, min(until, loop.stretch_end))
        shared.inside = code != ExitReason.BUDGET and code != ExitReason.IDLE
        clock.elapsed = u64(loop.engine_clock - loop.start)
        if code == ExitReason.BUDGET and clock.elapsed < length:
            return Why.STRETCH_OVER
        if code != ExitReason.BUDGET or clock.elapsed < clock.burst:
            loop.start += clock.settle_burst()
        if code == ExitReason.DEVICE_STORE:
            if not store(loop, loop.context):
                return code
            if unlikely(loop.board.raised):
                return Why.RAISED
        elif code == ExitReason.DEVICE_LOAD:
            if not load(loop, loop.context):
                return code
        elif code == ExitReason.IDLE:
            loop.skip(i64(length_of(loop, clock) - clock.elapsed))
        elif code != ExitReason.BUDGET:
            return code


def length_of(loop: BurstLoop, clock: EventClock) -> u64:
    """The cycle of the burst to which to run."""
    if loop.end <= loop.start:
        return 0
    return min(clock.burst, u64(loop.end - loop.start))


# Answers to exits for device registers. Narrow accesses, and what has no native code, is Python's.


def store(loop: BurstLoop, context: Context) -> bool:
    """Answer DEVICE_STORE, if native code can."""
    if not loop.natively or context.exit_size != 4 or context.exit_mask != WORD_MASK:
        return False
    board = loop.board
    access = board.access(u32(context.exit_address))
    if access.stores == 0:
        return False
    loop.lines.asking_processor = u32(context.number)
    if likely(not access.numbered):
        access.store(access.device, u32(context.exit_value))
    else:
        access.store_numbered(access.device, access.number, u32(context.exit_value))
    if unlikely(board.refused):
        board.refused = False
        return False
    context.latch = LATCH_STORED
    return True


def load(loop: BurstLoop, context: Context) -> bool:
    """Answer DEVICE_LOAD, if native code can."""
    if not loop.natively or context.exit_size != 4:
        return False
    board = loop.board
    address = u32(context.exit_address)
    access = board.access(address)
    if access.loads == 0:
        return False
    loop.lines.asking_processor = u32(context.number)
    value: u32 = 0
    if likely(not access.numbered):
        value = access.load(access.device)
    else:
        value = access.load_numbered(access.device, access.number)
    if unlikely(board.refused):
        board.refused = False
        return False
    laid_out = swapped(value) if loop.swaps else value
    context.latch_value = laid_out
    context.latch = LATCH_LOADED
    if access.steady:
        shared = loop.shared
        slot = (address >> 2) % STEADY_SLOTS
        shared.steady_keys[slot] = 4 << 32 | address
        shared.steady_values[slot] = laid_out
        shared.keep_steady = 1
    return True
