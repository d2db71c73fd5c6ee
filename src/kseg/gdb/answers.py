"""What the stub makes of a packet: bytes to send back, or something that the debugger loop is to do
first."""

from collections.abc import Collection
from dataclasses import dataclass

from kseg.gdb.inferior import Inferior
from kseg.gdb.threads import Thread


@dataclass(frozen=True)
class Resume:
    """Let these run; if there is a `step`, that one alone, until it has executed one
    instruction. With `over`, that is one and its delay slot, and exceptions are over before it is;
    with `addresses`, it goes on until pc has left them."""

    inferiors: Collection[Inferior]
    step: Thread | None = None
    over: bool = False
    addresses: range | None = None


@dataclass(frozen=True)
class Detach:
    """The debugger takes its leave of these: they run on."""

    inferiors: Collection[Inferior]


@dataclass(frozen=True)
class Kill:
    """These machines are to be switched off; `answer` is what to say then."""

    inferiors: Collection[Inferior]
    answer: bytes | None = None


@dataclass(frozen=True)
class Attach:
    """The debugger wants this one, which comes to stand."""

    inferior: Inferior


@dataclass(frozen=True)
class ReverseResume:
    """Go back to the last stop before; if there is a `step`, by one instruction of its."""

    step: Thread | None = None


Answer = bytes | Resume | ReverseResume | Detach | Kill | Attach
