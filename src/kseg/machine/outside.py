"""The one door through which anything enters a machine from outside.

Console bytes, packets, the host's calendar, random seeds: whatever a guest can see and a machine
cannot compute comes through here and is stamped with the moment at which it was delivered. So a
run is a pure function of its image, its configuration and the log of its inputs, and giving the
log back to the door (`replay`) repeats the run.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec


class Input(msgspec.Struct, frozen=True):
    """`data` came in on `channel` when the engine's cycle counter showed `cycle` and virtual time
    was `time` ns."""

    cycle: int
    time: int
    channel: str
    data: bytes


class Receiver(Protocol):
    """A device that takes what comes in on a channel."""

    def can_receive(self) -> bool:
        """Whether `receive` would not have to drop anything now."""
        ...

    def receive(self, data: bytes) -> None:
        """Take one item."""
        ...


class Outside:
    """A thread-safe queue for each channel, emptied at poll points only.

    An item is what a channel delivers at one poll: a byte of the console, a whole packet.
    `recorder` is called with every input that the machine has seen.
    """

    def __init__(
        self,
        recorder: Callable[[Input], None] | None = None,
        replay: Iterable[Input] | None = None,
    ) -> None:
        self.recorder = recorder
        self._replay = deque(replay) if replay is not None else None
        self._queues: dict[str, deque[bytes]] = {}
        self._receivers: dict[str, Receiver] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._disturbed = False

    # The outside's side: any thread.

    def put(self, channel: str, data: bytes) -> None:
        """Queue one item; with replay under way it is dropped, for the log says what comes."""
        with self._changed:
            if self._replay is None:
                self._queues.setdefault(channel, deque()).append(data)
                self._changed.notify_all()

    def type(self, data: bytes, channel: str = "console") -> None:
        """Queue bytes as if typed: one item each."""
        with self._changed:
            if self._replay is None:
                queue = self._queues.setdefault(channel, deque())
                queue.extend(bytes([byte]) for byte in data)
                self._changed.notify_all()

    def close(self) -> None:
        """Nothing will come any more: a machine that waits for input need not wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def disturb(self) -> None:
        """Wake a waiting monitor without giving it anything (to stop it, say)."""
        with self._changed:
            self._disturbed = True
            self._changed.notify_all()

    def queued(self) -> dict[str, list[bytes]]:
        """What was put in by channel, and has not been delivered."""
        with self._changed:
            return {channel: list(queue) for channel, queue in self._queues.items() if queue}

    def load(self, queued: Mapping[str, Iterable[bytes]]) -> None:
        """Have this waiting, and nothing else; what a log says is not touched."""
        with self._changed:
            self._queues = {channel: deque(items) for channel, items in queued.items()}
            self._changed.notify_all()

    def take_over(self, other: "Outside") -> None:
        """Have waiting what waits at another door, and let the rest of its log come in here."""
        self.load(other.queued())
        self._replay = None if other._replay is None else deque(other._replay)
        self._closed = other._closed

    # The machine's side: the thread that runs it.

    def attach(self, channel: str, receiver: Receiver) -> None:
        """Let `receiver` take what comes in on `channel`, instead of any earlier one."""
        self._receivers[channel] = receiver

    def ask(self, channel: str, answer: Callable[[], bytes]) -> bytes:
        """What the outside says when the machine is built: the log's word, or `answer()`."""
        if self._replay is not None:
            if not self._replay or self._replay[0].channel != channel:
                raise ValueError(f"the input log does not say {channel!r} where it is asked for")
            data = self._replay.popleft().data
        else:
            data = answer()
        self._record(Input(0, 0, channel, data))
        return data

    @property
    def replaying(self) -> bool:
        """Whether what comes in is what a log says."""
        return self._replay is not None

    @property
    def replay_time(self) -> int | None:
        """When the log's next input came, ns of virtual time; None at its end."""
        return self._replay[0].time if self._replay else None

    @property
    def waiting(self) -> bool:
        """Whether something could be delivered now."""
        with self._changed:
            return self._something_waits()

    @property
    def closed(self) -> bool:
        """Whether no input can ever come."""
        if self._replay is not None:
            return not self._replay
        return self._closed

    def poll(self, cycle: int, time: int) -> bool:
        """Deliver at most one item of each channel; True when there was one.

        `cycle` and `time` say when this is; replay delivers what the log says came then.
        """
        if self._replay is not None:
            delivered = False
            while self._replay and (self._replay[0].cycle, self._replay[0].time) <= (cycle, time):
                self._deliver(self._replay.popleft())
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
        delivered, the door closes or is disturbed; True when something can be delivered."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._something_waits() or self._closed or self._disturbed, seconds
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

    def _record(self, item: Input) -> None:
        if self.recorder is not None:
            self.recorder(item)
