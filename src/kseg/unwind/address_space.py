"""What a processor's virtual addresses lead to: its fixed windows, and what its TLB maps."""

from collections.abc import Iterable
from typing import NamedTuple

from kseg.inspection.machine import InspectedMachine
from kseg.inspection.processor import TlbEntry
from kseg.isa import registers as r
from kseg.memory.pages import PAGE_SIZE

FIRST_DEVICE, AFTER_DEVICES = 0x1FE00000, 0x20000000
"""Physical addresses of the bus."""


class Mapping(NamedTuple):
    """Virtual addresses, `first` to `last`, and the physical ones from `physical` on that they lead
    to. `entries` are the numbers of the TLB's entries that say so; the windows have none."""

    first: int
    last: int
    physical: int
    what: str = ""
    entries: tuple[int, ...] = ()
    asid: int | None = None
    """None where every address space has it."""
    valid: bool = True
    writable: bool = True
    uncached: bool = False

    @property
    def size(self) -> int:
        """In bytes."""
        return self.last - self.first + 1

    @property
    def flags(self) -> str:
        """V valid, D ("dirty") writable, N not cached, G in every address space."""
        letters = (
            ("V", self.valid), ("D", self.writable), ("N", self.uncached), ("G", self.asid is None)
        )  # fmt: skip
        return "".join(letter if on else "-" for letter, on in letters)

    def __str__(self) -> str:
        asid = "" if self.asid is None else str(self.asid)
        return (
            f"{self.first:08x}-{self.last:08x} {self.size >> 10:7}K {self.physical:08x} {asid:>4}"
            f"  {self.flags}  {self.what}"
        ).rstrip()


class AddressSpace(list[Mapping]):
    """Everything that is mapped, by virtual address; `print` shows a table."""

    def __init__(self, mappings: Iterable[Mapping], asid: int) -> None:
        super().__init__(sorted(mappings))
        self.asid = asid
        """The address space that is current (ASID in EntryHi)."""

    def __repr__(self) -> str:
        heading = f"ASID {self.asid} is current\nvirtual               size  physical asid  flags"
        return "\n".join([heading, *map(str, self)])


def address_space(machine: InspectedMachine, processor: int = 0) -> AddressSpace:
    """What a processor's addresses lead to now, in kernel mode; those of kuseg in user mode too."""
    chosen = machine.processors[processor]
    state = chosen.state
    mappings = [*_windows(machine), *_runs(sorted(chosen.tlb, key=_order))]
    return AddressSpace(mappings, (state.entry_hi & r.ASID_MASK) >> 6)


def _windows(machine: InspectedMachine) -> Iterable[Mapping]:
    for region in machine.board.memory.regions:
        if region.end > r.KSEG1 - r.KSEG0 or FIRST_DEVICE <= region.base < AFTER_DEVICES:
            continue
        for base, uncached in ((r.KSEG0, False), (r.KSEG1, True)):
            yield Mapping(
                base + region.base,
                base + region.end - 1,
                region.base,
                f"{'kseg1' if uncached else 'kseg0'}: {region.name}",
                writable=region.writable,
                uncached=uncached,
            )
    for base, name, uncached in ((r.KSEG0, "kseg0", False), (r.KSEG1, "kseg1", True)):
        yield Mapping(
            base + FIRST_DEVICE,
            base + AFTER_DEVICES - 1,
            FIRST_DEVICE,
            f"{name}: devices",
            uncached=uncached,
        )


def _order(entry: TlbEntry) -> tuple[int, int, int]:
    return (entry.asid, entry.page, entry.number)


def _runs(entries: Iterable[TlbEntry]) -> list[Mapping]:
    """The TLB's entries; neighbours that continue one another are one."""
    found: list[Mapping] = []
    for entry in entries:
        if not entry.valid and r.KSEG0 <= entry.page < r.KSEG2:
            continue  # An entry that is there because one has to be: it can match nothing.
        asid = None if entry.every_space else entry.asid
        last = found[-1] if found else None
        if (
            last is not None
            and entry.page == last.last + 1
            and entry.frame == last.physical + last.size
            and (asid, entry.valid, entry.writable, entry.uncached)
            == (last.asid, last.valid, last.writable, last.uncached)
        ):
            found[-1] = last._replace(
                last=last.last + PAGE_SIZE, entries=(*last.entries, entry.number)
            )
            continue
        found.append(
            Mapping(
                entry.page,
                entry.page + PAGE_SIZE - 1,
                entry.frame,
                "TLB",
                (entry.number,),
                asid,
                entry.valid,
                entry.writable,
                entry.uncached,
            )
        )
    return [
        each._replace(what=f"TLB {', '.join(map(str, sorted(each.entries)))}") for each in found
    ]
