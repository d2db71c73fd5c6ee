"""The input port: all that is not a function of a machine's state enters it here, with its cycle.

Console bytes, packets, the host's calendar and files, random seeds: whatever a guest can see and a
machine cannot compute comes through here, and can be recorded. So a run is a pure function of its
image, its configuration and the history of its inputs, and giving the history back to the
port (`replay`) repeats the run.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from kseg.errors import DivergenceError
from kseg.machine.input_history import Answer, Input, InputHistory, Item, Position


class Receiver(Protocol):
    """A device that takes what comes in on a channel."""

    def can_receive(self) -> bool:
        """Whether `receive` would not have to drop anything now."""
        ...

    def receive(self, data: bytes) -> None:
        """Take one item."""
        ...


class InputPort:
    """A thread-safe queue for each channel, emptied where the machine polls it only.

    What a channel delivers at one poll is a byte of the console, or a whole packet. `recorders` are
    called with everything that the machine was given.
    """

    def __init__(
        self,
        recorder: Callable[[Item], None] | None = None,
        replay: InputHistory | None = None,
        *,
        isolated: bool = False,
    ) -> None:
        """With `replay`, what comes in is what a history says, from its beginning. `isolated`:
        the machine must not open anything of the host's, for all it needs is in a history that it
        will be given."""
        self.recorders = [] if recorder is None else [recorder]
        self.isolated = isolated
        self._history: InputHistory | None = None
        self._inputs_given = 0
        self._answers_given: dict[str, int] = {}
        if replay is not None:
            self.replay(replay)
        self._queues: dict[str, deque[bytes]] = {}
        self._receivers: dict[str, Receiver] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._disturbed = False
        self.notify: Callable[[], None] = lambda: None
        """Called, in any thread, when something has come in: the machine may be running."""

    # The host's side: any thread.

    def put(self, channel: str, data: bytes) -> None:
        """Queue one item; with replay under way it is dropped, for the history says what comes."""
        with self._changed:
            if self._history is None:
                self._queues.setdefault(channel, deque()).append(data)
                self._tell()

    def type(self, data: bytes, channel: str = "console") -> None:
        """Queue bytes as if typed: one item each."""
        with self._changed:
            if self._history is None:
                queue = self._queues.setdefault(channel, deque())
                queue.extend(bytes([byte]) for byte in data)
                self._tell()

    def backlog(self, channel: str) -> int:
        """How many items wait on a channel."""
        queue = self._queues.get(channel)
        return 0 if queue is None else len(queue)

    def drop(self, channel: str) -> None:
        """Forget what waits on a channel."""
        with self._changed:
            self._queues.pop(channel, None)

    def _tell(self) -> None:
        """Something is different; `_changed` is held."""
        self._changed.notify_all()
        self.notify()

    def close(self) -> None:
        """Nothing will come any more: a machine that waits for input need not wait."""
        with self._changed:
            self._closed = True
            self._tell()

    def disturb(self) -> None:
        """Wake a waiting run loop without giving it anything (to stop it, say)."""
        with self._changed:
            self._disturbed = True
            self._tell()

    def queued(self) -> dict[str, list[bytes]]:
        """What was put in by channel, and has not been delivered."""
        with self._changed:
            return {channel: list(queue) for channel, queue in self._queues.items() if queue}

    def load(self, queued: Mapping[str, Iterable[bytes]]) -> None:
        """Have this waiting, and nothing else; what a history says is not touched."""
        with self._changed:
            self._queues = {channel: deque(items) for channel, items in queued.items()}
            self._tell()

    def take_over(self, other: "InputPort") -> None:
        """Have waiting what waits at another port, and let the rest of its history come in."""
        self.load(other.queued())
        if other._history is not None:
            self.replay(other._history, other.position)
        self._closed = other._closed

    # The machine's side: the thread that runs it.

    def attach(self, channel: str, receiver: Receiver) -> None:
        """Let `receiver` take what comes in on `channel`, instead of any earlier one."""
        self._receivers[channel] = receiver

    def receiver(self, channel: str) -> Receiver | None:
        """Who takes what comes in on a channel."""
        return self._receivers.get(channel)

    def ask(self, channel: str, answer: Callable[[], bytes]) -> bytes:
        """What the host answers now: the history's word, or `answer()`. DivergenceError when the
        history does not say it."""
        if self._history is None:
            data = answer()
        else:
            told = self._history.answers.get(channel, [])
            number = self._answers_given.get(channel, 0)
            if number >= len(told):
                raise DivergenceError(f"the machine asks for {channel!r}, of which nothing is said")
            data = told[number]
            self._answers_given[channel] = number + 1
        self._record(Answer(channel, data))
        return data

    def replay(self, history: InputHistory, position: Position | None = None) -> None:
        """From now on, let come in what a history says, from a position in it on."""
        position = position or Position()
        self._history = history
        self._inputs_given = position.inputs
        self._answers_given = dict(position.answers)

    @property
    def position(self) -> Position:
        """How far into its history the machine is."""
        return Position(self._inputs_given, dict(self._answers_given))

    @property
    def replaying(self) -> bool:
        """Whether what comes in is what a history says."""
        return self._history is not None

    @property
    def next_input(self) -> Input | None:
        """What the history says will come in next; None at its end."""
        history = self._history
        if history is None or self._inputs_given >= len(history.inputs):
            return None
        return history.inputs[self._inputs_given]

    @property
    def waiting(self) -> bool:
        """Whether something could be delivered now."""
        with self._changed:
            return self._something_waits()

    @property
    def has_queued(self) -> bool:
        """Whether anything waits to be delivered, be it possible now or not."""
        return any(self._queues.values())

    @property
    def closed(self) -> bool:
        """Whether no input can ever come."""
        if self._history is not None:
            return self.next_input is None
        return self._closed

    def poll(self, cycle: int, time: int) -> bool:
        """Deliver at most one item of each channel; True when there was one.

        `cycle` and `time` say when this is; replay delivers what the history says came then.
        """
        if self._history is not None:
            delivered = False
            while (item := self.next_input) and (item.cycle, item.time) <= (cycle, time):
                self._inputs_given += 1
                self._deliver(item)
                delivered = True
            return delivered
        if not any(self._queues.values()):
            return False
        arrived = []
        with self._changed:
            for channel, queue in self._queues.items():
                receiver = self._receivers.get(channel)
                if queue and receiver is None:
                    queue.clear()
                elif queue and receiver is not None and receiver.can_receive():
                    arrived.append(Input(cycle, time, channel, queue.popleft()))
        for item in arrived:
            self._deliver(item)
        return bool(arrived)

    def wait(self, seconds: float | None) -> bool:
        """Sleep up to `seconds` of the host's time (None: for ever) until something can be
        delivered or the port is disturbed, or where that would be for ever, closes; True when
        something can be delivered."""
        with self._changed:
            endless = seconds is None
            self._changed.wait_for(
                lambda: self._something_waits() or (endless and self._closed) or self._disturbed,
                seconds,
            )
            self._disturbed = False
            return self._something_waits()

    def _something_waits(self) -> bool:
        for channel, queue in self._queues.items():
            receiver = self._receivers.get(channel)
            if queue and receiver is not None and receiver.can_receive():
                return True
        return False

    def _deliver(self, item: Input) -> None:
        receiver = self._receivers.get(item.channel)
        if receiver is None:
            return
        self._record(item)
        receiver.receive(item.data)

    def _record(self, item: Item) -> None:
        for recorder in tuple(self.recorders):
            recorder(item)
