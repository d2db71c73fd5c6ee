"""When the guest runs and when it stands, while a debugger may be there.

Everything about the guest happens in the thread that runs it: it is woken when a packet comes, and
between two bursts sees to that. A debugger that connects stops the guest; one that leaves, is
killed or loses its connection lets it run on, without breakpoints, as if it had not been there.
"""

import queue
from collections.abc import Callable

from kseg.debug.machine import Machine
from kseg.debug.server import Connection, Event, Happening, Server
from kseg.debug.stub import Kill, Leave, Resume, Stub
from kseg.engine.contract import Debuggable
from kseg.engine.state import ProcessorState
from kseg.errors import ConfigurationError
from kseg.isa.registers import WAKING_LINES
from kseg.monitor.bare import Stop, StopReason

LOOK = 0.1
"""Seconds between two looks, while the guest stands, whether the user wants to leave."""

_HOLDING = {StopReason.BREAKPOINT, StopReason.WATCHPOINT, StopReason.DEBUGGER, StopReason.FATAL}
_GOES_ON = {StopReason.CYCLE_LIMIT, StopReason.INTERRUPTED, StopReason.CONDITION}


class Debugger:
    """A machine's debugger, which may come and go."""

    def __init__(self, machine: Machine, address: str, *, wait: bool = False) -> None:
        """Listen at `address` (see `Server`). With `wait`, the guest stands until a debugger lets
        it run. ConfigurationError where that is not possible."""
        engine = machine.engine
        if not isinstance(engine, Debuggable):
            raise ConfigurationError(
                "--gdb: a guest under a monitor cannot be debugged yet; leave --monitor out"
            )
        self._machine, self._engine = machine, engine
        self._server = Server(address, machine.monitor.interrupt)
        self._stub = Stub(machine)
        self._connection: Connection | None = None
        self._stands = wait
        self._leaves: Callable[[], bool] = lambda: False
        self._after_slot: int | None = None
        self._end: Stop | None = None
        """What will be the machine's end, when the debugger has seen it."""
        self._stops_for_guest = machine.monitor.stop_for_debugger

    @property
    def address(self) -> str:
        """Where it listens, as GDB's `target remote` takes it."""
        return self._server.address

    @property
    def present(self) -> bool:
        """Whether a debugger is connected."""
        return self._connection is not None

    # Called by whoever runs the machine.

    def attend(self, leaves: Callable[[], bool]) -> Stop | None:
        """See to the debugger before the machine runs on: returns when it is to run, or `leaves()`
        says so. A Stop is the machine's end."""
        events, self._leaves = self._server.events, leaves
        while self._stands or not events.empty():
            if leaves():
                return None
            try:
                event = events.get(timeout=LOOK)
            except queue.Empty:
                continue
            end = self._take(event)
            if end is not None:
                return end
        return self._end

    def takes(self, stop: Stop) -> bool:
        """The machine has stopped: is that for the debugger, so that it is not the end?"""
        if stop.reason not in _HOLDING:
            return False
        if stop.reason is StopReason.FATAL:
            if not self.present:
                return False
            self._end = stop
        if self.present and not self._passes_by(stop):
            self._stand(stop)
        return stop.reason is not StopReason.DEBUGGER or self.present

    def ended(self, exit_code: int) -> None:
        """The machine runs no more."""
        if self._connection is not None:
            self._connection.send(b"W%02x" % (exit_code & 0xFF))
        self._server.close()

    # What comes from the debugger.

    def _take(self, event: Event) -> Stop | None:
        connection, what = event.connection, event.what
        if what is Happening.CAME:
            self._connection = connection
            self._machine.monitor.stop_for_debugger = True
            self._stub.attached()
            self._stands = True
        elif connection is not self._connection:
            pass  # one that is gone
        elif what is Happening.WENT:
            self._leave()
        elif what is Happening.INTERRUPT:
            if not self._stands:
                self._stand(None)
        elif isinstance(what, bytes):
            return self._answer(connection, what)
        return None

    def _answer(self, connection: Connection, data: bytes) -> Stop | None:
        if data == b"QStartNoAckMode":
            connection.acknowledges = False
            connection.send(b"OK")
            return None
        answer = self._stub.answer(data)
        if isinstance(answer, bytes):
            connection.send(answer)
        elif isinstance(answer, Resume):
            return self._resume(answer.step)
        elif isinstance(answer, Leave):
            connection.send(b"OK")
            self._leave()
        elif isinstance(answer, Kill):
            if data.startswith(b"v"):
                connection.send(b"OK")
            return Stop(StopReason.INTERRUPTED, 0, "switched off by the debugger")
        return None

    def _leave(self) -> None:
        self._connection = None
        self._stub.points.clear()
        self._after_slot = None
        self._stub.points.apply(self._engine)
        self._machine.monitor.stop_for_debugger = self._stops_for_guest
        self._run()

    def _run(self) -> None:
        self._stands = False
        self._machine.monitor.host_stood_still()

    def _stand(self, stop: Stop | None) -> None:
        """Stand, and say so; without a Stop, because the debugger wants it."""
        self._stands = True
        reply = self._stub.stopped(stop, interrupted=stop is None)
        if self._connection is not None:
            self._connection.send(reply)

    # Running.

    def _resume(self, step: int | None) -> Stop | None:
        state = self._machine.processors[self._stub.stepped].state
        self._after_slot = None
        # GDB steps by a breakpoint at the next instruction. In a delay slot it cannot know which
        # that is, and takes the one behind the slot.
        if state.in_delay_slot and self._stub.points.breakpoint_type(state.pc + 4) is not None:
            self._after_slot = state.next_pc & ~3
        self._stub.points.apply(self._engine, self._after_slot)
        self._run()
        return None if step is None else self._step(step)

    def _passes_by(self, stop: Stop) -> bool:
        """Is it a stop behind a delay slot, at which another processor has arrived?"""
        if stop.reason is not StopReason.BREAKPOINT or self._after_slot is None:
            return False
        pc = self._machine.processors[stop.processor].state.pc
        known = self._stub.points.breakpoint_type(pc) is not None
        return not known and stop.processor != self._stub.stepped

    def _step(self, number: int) -> Stop | None:
        """Let a processor execute one instruction. If it waits for an interrupt, so does this;
        the debugger may interrupt it. A Stop is the machine's end."""
        machine, events = self._machine, self._server.events
        state = machine.processors[number].state
        begin, before = state.pc, _executed(state)

        def ready() -> bool:
            woken = not state.waiting or state.interrupt_lines & WAKING_LINES
            return bool(state.enabled and woken) or not events.empty() or self._leaves()

        while _executed(state) == before:
            if not ready():
                stop = machine.run(until=ready)
            elif events.empty() and not self._leaves():
                stop = machine.run(cycles=1)
            else:
                return None  # it runs on, and `attend` sees to that
            at_begin = stop.processor == number and state.pc == begin
            if stop.reason is StopReason.BREAKPOINT and at_begin:
                continue  # the one at which it stood, and which is passed now
            if stop.reason in _HOLDING:
                return None if self.takes(stop) else stop
            waits = stop.reason is StopReason.IDLE and machine.monitor.wait_for_input
            if stop.reason not in _GOES_ON and not waits:
                return stop
        self._stand(Stop(StopReason.CONDITION))
        return None


def _executed(state: ProcessorState) -> int:
    """The instructions that a processor has begun and not waited in."""
    cycles = state.kernel_cycles + state.user_cycles
    return int(cycles - state.kernel_stalls - state.user_stalls)
