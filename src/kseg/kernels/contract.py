"""What is known of a guest's threads, and what a kernel's file in this package offers."""

from typing import Any, Protocol

import msgspec

from kseg.kernels.calls import Calls
from kseg.unwind.backtrace import Backtrace

MOST_THREADS = 500
FRAMES_SHOWN = 8


class Wait(msgspec.Struct, frozen=True):
    """What a thread waits for. `kind` is in words ("lock", "semaphore", "wait channel", ...),
    `address` that of the object, 0 where it is not known; `holder` is the address of the thread
    that holds it. `free` says that nothing is in the way any more: nobody holds the lock, the
    semaphore's count is not 0. `note` is what else there is to say. `spins`: it does not sleep.
    `abandoned`: the thread that held it is gone."""

    kind: str
    name: str = ""
    address: int = 0
    holder: int | None = None
    free: bool = False
    note: str = ""
    spins: bool = False
    abandoned: bool = False

    def __str__(self) -> str:
        name = f' "{self.name}"' if self.name else ""
        address = f" at {self.address:#010x}" if self.address and not self.name else ""
        return f"{self.kind}{name}{address}"


class GuestThread(msgspec.Struct):
    """A thread of the guest's kernel. `address` is that of what the kernel knows of it, and tells
    threads apart; `state` is "running", "ready", "sleeping", "ended" or another word of the
    kernel's; `processor` is where it is current. `stack` are the first address of its kernel stack
    and the one behind the last, `sp` its stack pointer in there. `overflow` says how the stack
    has overflowed, if it has, `program_overflow` how that of its program has."""

    address: int
    name: str
    state: str
    process: str = ""
    process_number: int | None = None
    processor: int | None = None
    wait: Wait | None = None
    stack: tuple[int, int] | None = None
    sp: int | None = None
    overflow: str = ""
    program_overflow: str = ""
    trace: Backtrace = Backtrace([])
    first_frame: int = 0
    """Which frame of the trace is the first that is of interest: before it comes how to sleep."""

    @property
    def title(self) -> str:
        number = "" if self.process_number is None else f" {self.process_number}"
        if self.process and self.process != self.name:
            return f'"{self.name}" of process{number} "{self.process}"'
        return f'"{self.name}" of process{number}' if number else f'"{self.name}"'

    @property
    def sleeps(self) -> bool:
        """Whether another thread or a device has to act before it can go on."""
        return self.state == "sleeping"


class GuestThreads(list[GuestThread]):
    """The threads of a guest; `print` shows them with back-traces. `findings` are what is wrong,
    a line each: deadlocks first; `remark` says if something could not be read."""

    def __init__(
        self, kernel: str, threads: list[GuestThread], findings: list[str], remark: str = ""
    ) -> None:
        super().__init__(threads)
        self.kernel, self.findings, self.remark = kernel, findings, remark

    def at(self, address: int) -> GuestThread | None:
        return next((each for each in self if each.address == address), None)

    def describe(self, thread: GuestThread, alike: int = 1) -> str:
        """A thread and what it does, in a line; or so many that are alike."""
        state = thread.state
        if thread.processor is not None:
            cpu = f"CPU {thread.processor}"
            state += f" on {cpu}" if state == "running" else f" ({cpu} idles)"
        text = f"{'thread' if alike == 1 else f'{alike} threads'} {thread.title}: {state}"
        if thread.wait is not None:
            wait = thread.wait
            text += f", {'spins' if wait.spins else 'waits'} for {wait}"
            holder = None if wait.holder is None else self.at(wait.holder)
            if wait.holder == thread.address:
                text += ", which it holds itself"
            elif holder is not None:
                text += f', held by "{holder.name}"'
            if wait.note:
                text += f" ({wait.note})"
        return text

    def _alike(self) -> list[tuple[GuestThread, int]]:
        """The threads, and how many there are of each kind: doing the same in the same place."""
        found: dict[object, list[GuestThread]] = {}
        for thread in self:
            places = tuple((frame.pc, frame.sp is None) for frame in thread.trace.frames)
            found.setdefault((self.describe(thread), places), []).append(thread)
        return [(threads[0], len(threads)) for threads in found.values()]

    def summary(self, most: int = 12) -> list[str]:
        """Findings, and a line for each of `most` threads, with where it stands; those that are
        alike are one line."""
        lines = list(self.findings)
        alike = self._alike()
        for thread, count in alike[:most]:
            frames = thread.trace.frames[thread.first_frame :]
            calls = " < ".join(frame.name for frame in frames[:4])
            lines.append(self.describe(thread, count) + (f"; in {calls}" if calls else ""))
        if len(alike) > most:
            lines.append(f"({sum(count for _, count in alike[most:])} more threads)")
        return lines + ([f"({self.remark})"] if self.remark else [])

    def lines(self) -> list[str]:
        """All of it, with back-traces."""
        lines = list(self.findings)
        for thread, count in self._alike():
            lines.append(self.describe(thread, count))
            lines += [f"    {line}" for line in thread.trace.lines(FRAMES_SHOWN)]
        if not self:
            lines.append("no threads yet")
        return lines + ([f"({self.remark})"] if self.remark else [])

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def data(self) -> dict[str, Any]:
        return {
            "kernel": self.kernel,
            "findings": list(self.findings),
            "threads": [_thread_data(each) for each in self],
            "remark": self.remark,
        }


def _thread_data(thread: GuestThread) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: msgspec.to_builtins(getattr(thread, name))
        for name in thread.__struct_fields__
        if name not in ("trace", "first_frame")
    }
    found["trace"] = [str(frame) for frame in thread.trace.frames]
    return found


class KernelAwareness(Protocol):
    """What a file for a kernel offers, for a machine that stands. Neither call raises on account of
    what is in the guest's memory, nor takes long."""

    name: str
    """The kernel's."""
    calls: Calls
    """Its system calls."""

    def threads(self) -> GuestThreads:
        """All threads, and what is wrong with them."""
        ...

    def current(self, processor: int) -> GuestThread | None:
        """The thread that a processor executes, also while that is its program: without wait and
        trace."""
        ...

    def physical(self, processor: int, address: int) -> int | None:  # noqa: ARG002
        """What an address of the program that a processor executes leads to by the kernel's own
        page tables, where those are known; None where not."""
        return None
