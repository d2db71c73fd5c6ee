"""How packets name threads: `pPROCESS.THREAD`, or `THREAD` alone where there is one process (GDB
manual, "Packets", on thread-id). Processor N of an inferior is its thread N + 1."""

from collections.abc import Sequence
from typing import NamedTuple

from kseg.gdb.inferior import Inferior
from kseg.gdb.packets import Malformed, number
from kseg.inspection.processor import Processor

ALL, ANY = b"-1", b"0"


class Thread(NamedTuple):
    """A processor of an inferior."""

    inferior: Inferior
    processor: int

    @property
    def it(self) -> Processor:
        return self.inferior.machine.processors[self.processor]

    def named(self, *, with_process: bool) -> str:
        thread = f"{self.processor + 1:x}"
        return f"p{self.inferior.number:x}.{thread}" if with_process else thread


class Threads(NamedTuple):
    """What a thread-id stands for: None is all of them, or any."""

    inferior: Inferior | None
    processor: int | None


def threads_of(inferior: Inferior) -> list[Thread]:
    return [Thread(inferior, each) for each in range(len(inferior.machine.processors))]


def process(text: bytes, inferiors: Sequence[Inferior]) -> Inferior:
    """The inferior that is a process; Malformed if none is."""
    wanted = number(text)
    for each in inferiors:
        if each.number == wanted:
            return each
    raise Malformed("no such process")


def find(text: bytes, inferiors: Sequence[Inferior], default: Inferior) -> Threads:
    """What a thread-id stands for, among these; `default` is the process of one that has none.
    Malformed if there is no such thread."""
    inferior: Inferior | None = default
    if text.startswith(b"p"):
        name, _, text = text[1:].partition(b".")
        inferior = None if name in (ALL, ANY) else process(name, inferiors)
        text = text or ALL
    if text in (ALL, ANY):
        return Threads(inferior, None)
    found = number(text) - 1
    if inferior is None or not 0 <= found < len(inferior.machine.processors):
        raise Malformed("no such thread")
    return Threads(inferior, found)
