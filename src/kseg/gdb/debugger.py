"""The debugger loop: when the guest runs and when it is stopped, while a debugger may be attached.

Everything about the guest happens in the thread that runs it: it is woken when a packet comes, and
between two bursts sees to that. A debugger that connects stops the guest; one that leaves, is
killed or loses its connection lets it run on, without breakpoints, as if it had not been there. Of
many guests all stand when one does.
"""

import queue
from collections.abc import Callable, Collection

from kseg.gdb.answers import Attach, Detach, Kill, Resume, ReverseResume
from kseg.gdb.backward import Backward
from kseg.gdb.conditions import holds
from kseg.gdb.edge import Edge
from kseg.gdb.inferior import Inferior
from kseg.gdb.server import Connection, Event, EventKind, Server
from kseg.gdb.stepping import Progress, Step
from kseg.gdb.stub import Stub
from kseg.gdb.target import Ending, Target
from kseg.gdb.threads import Thread
from kseg.isa.registers import WAKING_LINES
from kseg.machine.processor_state import executed
from kseg.monitor.stop import STOPS_TO_STAND_AT, Stop, StopReason

POLL_INTERVAL = 0.1
"""Seconds between two polls, while the guest stands, whether the user wants to leave."""

_GOES_ON = {StopReason.CYCLE_LIMIT, StopReason.INTERRUPTED, StopReason.CONDITION}
_ENDS = {
    StopReason.POWER_OFF,
    StopReason.IDLE,
    StopReason.FATAL,
    StopReason.DOOM,
    StopReason.NO_PROGRESS,
}
"""Stops after which a recorded run did not go on."""
_AT_POINTS = {StopReason.BREAKPOINT, StopReason.WATCHPOINT}
_AWAITS = {StopReason.NO_PROGRESS, StopReason.BREAK}
"""Further stops at which a debugger may be awaited."""


class Debugger:
    """A target's debugger, which may come and go."""

    def __init__(
        self,
        target: Target,
        server: Server,
        *,
        wait: bool = False,
        awaited: Callable[[Stop], None] | None = None,
        kill_code: int = 0,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`server` is where debuggers connect. With `wait`, the guest stands until a debugger lets
        it run. Where there is an `awaited`, it does so too where it asks for a debugger or does
        what its hardware does not survive, and `awaited` is called then. `kill_code` is the
        target's exit code when a debugger has switched it off. `say` gets what the user should
        know."""
        self._target, self._server = target, server
        self._say = say
        self._awaited, self._kill_code = awaited, kill_code
        server.wake = target.interrupt
        self._stub = Stub(target)
        self._stub.reads_files = server.is_private
        self._connection: Connection | None = None
        self._stands = wait
        self._held: Stop | None = None
        """Why it stands, while no debugger has been told."""
        self._rests = False
        """Those that may run wait for input, which may not come, and others stand."""
        self._leaves: Callable[[], bool] = lambda: False
        self._end: Stop | None = None
        """What is the target's end now."""
        self._endings: list[Ending] = []
        """Of machines, that the debugger has not been told yet."""
        self._interrupted = False
        """The debugger has wanted the target to stand while it stood: it will the next time."""
        self._step: Step | None = None
        """What is being done when the target runs, if it is not to run on."""
        self._backward = Backward()
        self._first_edge, self._last_edge = Edge(), Edge()
        self._told_here: int | None = None
        """The moment of the present, if the debugger knows what the target has stopped for there,
        and has set nothing since."""
        self._from = 0
        """The moment from which the target has been let run."""

    @property
    def address(self) -> str:
        """Where it listens, as GDB's `target remote` takes it."""
        return self._server.address

    @property
    def present(self) -> bool:
        """Whether a debugger is there, and debugs something."""
        return self._connection is not None and bool(self._stub.attached)

    # Called by the run loop.

    def attend(self, leaves: Callable[[], bool]) -> Stop | None:
        """See to the debugger before the target runs on: returns when it is to run, or `leaves()`
        says so, which is asked every now and then. A Stop is the target's end."""
        self._leaves = leaves
        self._tell_endings()
        self._stand_by()
        history = self._target.history
        while history is not None and history.in_past and self._end is None and not leaves():
            # The machine that is run is another one: it waits in the present.
            self._run_past()
            self._stand_by()
            history = self._target.history
        return self._end

    def _stand_by(self) -> None:
        """See to the debugger while it wants the target to stand."""
        events, leaves = self._server.events, self._leaves
        while self._stands or self._rests or not events.empty():
            if leaves():
                return
            try:
                event = events.get(timeout=POLL_INTERVAL)
            except queue.Empty:
                continue
            self._rests = False
            self._take(event)
            if self._end is not None:
                return

    def takes(self, stop: Stop) -> bool:
        """The target has stopped: is that for the debugger, so that it is not the end?"""
        if stop.reason is StopReason.IDLE and self._others_stand():
            self._rests = True
            return True
        if self.present and (stop.reason is StopReason.LOG_END or self._is_at_end(stop)):
            self._meet_end(stop)
            return True
        inferior = self._target.stopped(stop)
        awaits = self._awaited is not None and not self.present
        holds = stop.reason in STOPS_TO_STAND_AT or (
            stop.reason in _AWAITS and self._awaited is not None
        )
        if inferior is None or not holds:
            return False
        if stop.reason is StopReason.FATAL:
            if not (self.present or awaits):
                return False
            inferior.end = stop
        if self.present:
            self._meet(inferior, stop)
            return True
        if awaits and stop.reason not in (StopReason.BREAKPOINT, StopReason.WATCHPOINT):
            assert self._awaited is not None
            self._stands, self._held = True, stop
            self._awaited(stop)
            return True
        return stop.reason is not StopReason.DEBUGGER

    def ended(self, exit_code: int) -> None:
        """The target runs no more."""
        if self._connection is not None:
            self._take_endings()
            left = self._stub.attached or [self._stub.inferior]
            ending = self._endings[0] if self._endings else Ending(left[0], exit_code)
            self._connection.send(self._stub.ended(ending))
        self._server.close()

    # What comes from the debugger.

    def _take(self, event: Event) -> None:
        connection, what = event.connection, event.what
        if what is EventKind.CAME:
            self._interrupted = False
            self._come(connection)
        elif connection is not self._connection:
            pass  # one that is gone
        elif what is EventKind.WENT:
            self._connection = None
            self._detach(self._stub.attached)
        elif what is EventKind.INTERRUPT:
            if self._stands:
                self._interrupted = True
            elif self.present:
                self._stand(self._running(), None)
        elif what is EventKind.REFUSED:
            self._refused(connection)
        elif isinstance(what, bytes):
            self._answer(connection, what)

    def _refused(self, connection: Connection) -> None:
        """Another debugger has been hung up on: said once of each that is there."""
        if not connection.has_refused:
            connection.has_refused = True
            self._say("another debugger was refused: there is one already, and one at a time")

    def _come(self, connection: Connection) -> None:
        self._connection = connection
        self._stub.came()
        self._target.take_endings()
        self._endings = []
        inferiors = self._target.inferiors
        for inferior in inferiors:
            inferior.attach()
        self._target.watched(True)
        if inferiors:
            self._stands = True
            # It is not sent: the debugger will ask.
            self._stub.stopped(inferiors[0], self._held)
        self._held = None

    def _answer(self, connection: Connection, data: bytes) -> None:
        if data == b"QStartNoAckMode":
            connection.acknowledges = False
            connection.send(b"OK")
            return
        if self._endings and data.startswith((b"vCont;", b"c", b"C", b"s", b"S")):
            # The debugger does not know yet that there is less left to run.
            self._stands = False
            self._tell_endings()
            return
        if data[:1] == b"Z":
            self._told_here = None
        self._first_edge.hear(data)
        self._last_edge.hear(data)
        answer = self._stub.answer(data)
        if isinstance(answer, bytes):
            connection.send(answer)
        elif isinstance(answer, Resume | ReverseResume) and self._interrupted:
            self._interrupted = False
            self._stand(self._stub.inferior, None)
        elif isinstance(answer, Resume):
            self._resume(answer)
        elif isinstance(answer, ReverseResume):
            self._go_back(answer)
        elif isinstance(answer, Detach):
            connection.send(b"OK")
            self._detach(answer.inferiors)
            if not (self._stub.attached or self._stub.extended):
                self._connection = None
        elif isinstance(answer, Attach):
            answer.inferior.attach()
            self._stand(answer.inferior, Stop(StopReason.CONDITION))
        elif isinstance(answer, Kill):
            self._kill(answer.inferiors)
            if answer.answer is not None:
                connection.send(answer.answer)

    def _detach(self, inferiors: Collection[Inferior]) -> None:
        for inferior in inferiors:
            inferior.detach()
        if not self._stub.attached:
            self._interrupted, self._step = False, None
            self._target.watched(False)
            self._run(())

    def _kill(self, inferiors: Collection[Inferior]) -> None:
        stop = Stop(StopReason.INTERRUPTED, self._kill_code, "switched off by the debugger")
        for inferior in inferiors:
            inferior.detach()
            self._end = self._target.end(inferior, stop) or self._end
        self._target.take_endings()
        if not self._stub.attached:
            self._run(())

    def _run(self, chosen: Collection[Inferior]) -> None:
        self._stands = False
        for inferior in self._target.inferiors:
            inferior.runs = inferior in chosen
        self._target.let_run(chosen)
        self._target.host_stood_still()

    def _stand(self, inferior: Inferior, stop: Stop | None) -> None:
        """Stand, and say so; without a Stop, because the debugger wants it."""
        self._stands, self._step = True, None
        if not self._in_past:
            pointed = stop is not None and stop.reason in _AT_POINTS
            self._told_here = _moment(inferior) if pointed else None
        reply = self._stub.stopped(inferior, stop, interrupted=stop is None)
        if self._connection is not None:
            self._connection.send(reply)

    def _stand_at(self, edge: str) -> None:
        """Stand at the begin or the end of what is known of the run."""
        self._stands, self._step = True, None
        self._first_edge.told()
        self._last_edge.told()
        reply = self._stub.at_edge(edge)
        if self._connection is not None:
            self._connection.send(reply)

    def _meet(self, inferior: Inferior, stop: Stop) -> None:
        """An inferior has stopped: stand, if that is not just on the way of a step, or where a
        condition does not hold."""
        step = self._step
        if step is not None and step.thread.inferior is not inferior:
            step = None
        progress = Progress.OTHER if step is None else step.look(stop)
        if step is not None and progress is Progress.FINISHED:
            self._finish(step)
        elif progress is Progress.GOES_ON and step is not None:
            inferior.prepare(step.processor, step.stops)
        elif not inferior.passes_by(stop) and holds(inferior, stop):
            self._stand(inferior, stop)

    def _finish(self, step: Step) -> None:
        """A step is done: say so of the processor that was stepped."""
        self._stub.current = step.thread
        at = StopReason.BREAKPOINT if step.is_at_breakpoint else StopReason.CONDITION
        self._stand(step.thread.inferior, Stop(at, processor=step.processor))

    def _meet_end(self, stop: Stop) -> None:
        """There is no more of the run. A debugger that steps wants to hear of that: GDB, which
        steps over breakpoints by itself, does not go on when it hears of the end instead."""
        step, inferior = self._step, self._stub.inferior
        due = self._due_at_end(inferior, stop)
        over = step is not None and (
            step.is_over or (step.is_single and (step.has_moved or step.may_be_over_breakpoint))
        )
        if due is None and not over:
            self._stand_at("end")
            return
        self._last_edge.hide(by_step=over)
        if step is not None and over:
            self._finish(step)
        else:
            self._stand(inferior, due)

    def _due_at_end(self, inferior: Inferior, stop: Stop) -> Stop | None:
        """The breakpoint at which a recorded run ends that could go on."""
        if stop.reason is not StopReason.LOG_END or not self._stub.replays:
            return None
        if _moment(inferior) == self._from:
            return None
        processors = inferior.machine.processors
        for number, it in sorted(enumerate(processors), key=lambda each: each[1].state.clock):
            executes = it.state.enabled and not it.state.waiting
            if executes and inferior.points.breakpoint_type(it.state.pc) is not None:
                due = Stop(StopReason.BREAKPOINT, processor=number)
                return due if holds(inferior, due) else None
        return None

    def _is_at_end(self, stop: Stop) -> bool:
        """Whether a recorded run that is repeated has come to its end."""
        return self._stub.replays and stop.reason in _ENDS

    def _running(self) -> Inferior:
        """The inferior that the debugger is about, or one that runs."""
        running = [each for each in self._stub.attached if each.runs]
        current = self._stub.inferior
        return current if current in running or not running else running[0]

    def _others_stand(self) -> bool:
        return self.present and any(not each.runs for each in self._stub.attached)

    def _take_endings(self) -> None:
        found = self._target.take_endings()
        # Who cannot tell processes apart would take one's end for that of all.
        if self._stub.names_processes:
            self._endings += (each for each in found if each.inferior.attached)

    def _tell_endings(self) -> None:
        """Stand for a machine that has come to its end, if that has to be told."""
        self._take_endings()
        if self._endings and not self._stands and self._connection is not None:
            self._stands = True
            self._connection.send(self._stub.ended(self._endings.pop(0)))

    # Running.

    def _resume(self, wanted: Resume) -> None:
        if wanted.step is None and self._last_edge.is_due:
            self._stand_at("end")
            return
        if wanted.step is None:
            self._last_edge.told()
        self._last_edge.step()
        self._run(wanted.inferiors)
        self._step = None
        for inferior in wanted.inferiors:
            if inferior.end is not None and not self._in_past:
                self._end = self._target.end(inferior, inferior.end) or self._end
            self._prepare(inferior, wanted)
        self._tell_endings()
        alone = wanted.step is not None and self._step is None
        if wanted.step is not None and alone and self._end is None and not self._stands:
            self._step_once(wanted.step)

    def _prepare(self, inferior: Inferior, wanted: Resume) -> None:
        """An inferior is about to run."""
        self._from = _moment(inferior)
        thread = wanted.step
        if thread is not None and thread.inferior is inferior and (wanted.over or wanted.addresses):
            self._step = Step(thread, wanted.addresses or None)
            inferior.prepare(thread.processor, self._step.stops)
            return
        stepped = self._stub.stepped
        inferior.prepare(stepped.processor if stepped.inferior is inferior else 0)

    @property
    def _in_past(self) -> bool:
        history = self._target.history
        return history is not None and history.in_past

    def _run_past(self) -> None:
        """Run forward in the past, until something stops it."""
        events = self._server.events
        stop = self._target.run(until=lambda: not events.empty() or self._leaves())
        stepped = self._step is not None
        known = not self._in_past and self._told_here == _moment(self._stub.inferior)
        if known and self._step is None:
            self._stand_at("end")
            return
        if stop.reason not in _GOES_ON and not self.takes(stop):
            self._stand_at("end")
        if self._in_past or stop.reason is StopReason.LOG_END:
            return
        # In the present, there was something to stop for before its being the present.
        self._last_edge.hide(by_step=stepped)
        if not self._stands and (self._step is None or not self._step.is_single):
            self._stand_at("end")

    def _go_back(self, wanted: ReverseResume) -> None:
        history, inferior = self._target.history, self._stub.inferior
        assert history is not None
        self._last_edge.told()
        if wanted.step is not None:
            stop = self._backward.step(history, inferior, wanted.step.processor)
            if stop is not None and stop.reason is StopReason.CONDITION:
                self._stub.current = wanted.step
        else:
            stop = self._backward.run(
                history, inferior, lambda: not self._server.events.empty() or self._leaves()
            )
        inferior.machine = history.machine
        if stop is None:
            if wanted.step is None or not self._first_edge.is_hidden:
                self._stand_at("begin")
                return
            self._first_edge.told()
            stop = Stop(StopReason.CONDITION)
        elif stop.reason is StopReason.INTERRUPTED:
            self._stand_for_event(inferior)
            return
        elif wanted.step is None and history.machine.engine.clock <= history.first_cycle:
            self._first_edge.hide(by_step=False)
        self._stand(inferior, stop)

    def _stand_for_event(self, inferior: Inferior) -> None:
        """Stand because something has come from the debugger: an interrupt, mostly."""
        self._stand(inferior, None)
        if not self._server.events.empty():
            event = self._server.events.get(timeout=POLL_INTERVAL)
            if event.what is not EventKind.INTERRUPT:
                self._take(event)

    def _step_once(self, thread: Thread) -> None:
        """Let a processor execute one instruction. If it waits for an interrupt, so does this; the
        debugger may interrupt it."""
        target, events, state = self._target, self._server.events, thread.it.state
        begin, before = state.pc, executed(state)

        def ready() -> bool:
            woken = not state.waiting or state.interrupt_lines & WAKING_LINES
            return bool(state.enabled and woken) or not events.empty() or self._leaves()

        while executed(state) == before:
            if not ready():
                stop = target.run(until=ready)
            elif events.empty() and not self._leaves():
                stop = target.run(until=lambda: False, cycles=1)
            else:
                return  # it runs on, and `attend` sees to that
            mine, done = stop.processor == thread.processor, executed(state) != before
            if stop.reason is StopReason.BREAKPOINT and mine and not done and state.pc == begin:
                continue  # the one at which it stood, and which is passed now
            at_end = stop.reason is StopReason.LOG_END or self._is_at_end(stop)
            if done and (at_end or (mine and stop.reason in _AT_POINTS)):
                # What comes next, or that nothing does, is another matter.
                self._last_edge.hide(by_step=True)
                break
            self._take_endings()
            taken = (at_end or stop.reason in STOPS_TO_STAND_AT) and self.takes(stop)
            if self._endings or self._stands:
                return
            if taken:
                continue
            if stop.reason is StopReason.IDLE and target.waits_for_input:
                continue
            if stop.reason is StopReason.IDLE and self._others_stand():
                self._rests = True
                return
            if stop.reason not in _GOES_ON:
                self._end = stop
                return
        self._stub.current = thread
        self._stand(thread.inferior, Stop(StopReason.CONDITION))


def _moment(inferior: Inferior) -> int:
    """A number that grows when the inferior's processors execute."""
    return sum(int(each.state.clock) for each in inferior.machine.processors)
