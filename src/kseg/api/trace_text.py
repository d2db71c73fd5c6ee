"""Traces as text: a line for each event, for people or as JSON.

Instructions are by far the most, and the same ones again and again: what can be said of one
without its values is worked out once.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from kseg.api.tracing import NAMES, Part, RecordBatch, TraceEvent
from kseg.engine.tracing import (
    DELAY_SLOT,
    RECORD,
    REFILL,
    TRAPPED,
    USER,
    TraceKind,
    destination,
)
from kseg.isa import registers as r
from kseg.isa.disassembler import Symbols, disassemble
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.values import WORD

SECOND = 1_000_000_000
TEXT_WIDTH = 28
"""Columns of an instruction, so that its values stand below each other."""

MOST_REMEMBERED = 1 << 16
"""Instructions whose text is kept."""

_TLB_WORDS = {0x42000001: "tlbr", 0x42000002: "tlbwi", 0x42000006: "tlbwr", 0x42000008: "tlbp"}
_LINES = {8: "soft 0", 9: "soft 1", 10: "bus", 11: "processor", 15: "timer"}


def memory_offset(word: int) -> int | None:
    """What a load or store adds to its base register; None for other instructions."""
    if word >> 26 < 32:
        return None
    return (word & 0x7FFF) - (word & 0x8000)


def exception_name(code: int) -> str:
    """An ExcCode in words."""
    try:
        return ExceptionCode(code).name.lower().replace("_", " ").replace("tlb", "TLB")
    except ValueError:
        return "reserved"


def entry_text(high: int, low: int) -> str:
    """A TLB entry: page and ASID, frame and flags."""
    flags = "".join(
        letter if low & bit else "-"
        for letter, bit in zip(
            "NDVG", (r.ENTRY_LO_N, r.ENTRY_LO_D, r.ENTRY_LO_V, r.ENTRY_LO_G), strict=True
        )
    )
    asid = (high & r.ASID_MASK) >> r.ASID_SHIFT
    return f"{high & r.VPN_MASK:08x} asid {asid} -> {low & r.VPN_MASK:08x} {flags}"


def _call_data(event: TraceEvent) -> dict[str, Any]:
    """What JSON has of a system call."""
    call = event.call
    if call is None:
        return {}
    told: dict[str, Any] = {
        "asid": event.asid, "pc": event.pc, "phase": "return" if call.returned else "call",
        "number": call.number, "name": call.name, "process": call.process,
        "process_number": call.process_number, "thread": call.thread,
    }  # fmt: skip
    if call.arguments or not call.returned:
        told |= {"arguments": call.arguments, "values": call.values}
    if call.returned:
        told |= {"cycles": call.cycles, "error": call.error}
        told |= {"error_name": call.error_name} if call.error else {"result": call.result}
    return told


class TraceText:
    """Makes lines of the parts of a trace."""

    def __init__(self, profile: str, symbols: Symbols | None = None) -> None:
        """`profile` is the processor's; `symbols` says what an address is called, if it has a
        name."""
        self._profile = profile
        self._symbols = symbols
        self._known: dict[tuple[int, int], tuple[str, str, int | None]] = {}

    # For people.

    def lines(self, part: Part) -> list[str]:
        """Each event: cycle, virtual seconds, processor, mode (k or u), address, what it was."""
        if isinstance(part, TraceEvent):
            seconds, rest = divmod(part.time, SECOND)
            if part.call is not None:
                place = f"{part.pc:08x}{self._name(part.pc)}"
                head = f"{part.cycle:>10} {seconds}.{rest:09d} {part.processor:>2} u {place}"
                return [f"{head}  {part.text}"]
            return [f"{part.cycle:>10} {seconds}.{rest:09d}  -          {part.text}"]
        found = []
        texts: dict[int, Callable[..., str]] = {
            TraceKind.JUMP: self._jump,
            TraceKind.EXCEPTION: self._exception,
            TraceKind.RETURN: self._return,
            TraceKind.INTERRUPT: self._interrupt,
            TraceKind.TLB: self._tlb,
            TraceKind.ADDRESS_SPACE: self._address_space,
        }
        known, time = self._known, part.time
        name = self._name if self._symbols is not None else None
        for record in RECORD.iter_unpack(part.records):
            cycle, pc, word, first, second, third, fourth, fifth, kind, cpu, flags, _asid = record
            if kind == 0:
                told = known.get((pc, word)) or self._learn(pc, word)
                what, register, offset = told
                if offset is not None:
                    what += f" [{first + offset & WORD:08x}]"
                    if not register:
                        what += f" <- {second:08x}"
                if flags & TRAPPED:
                    what = what.rstrip()
                elif register:
                    what += f" {register}={third:08x}"
            else:
                values = (first, second, third, fourth, fifth)
                what = texts[kind](pc, word, values, flags)
            seconds, rest = divmod(time(cycle), SECOND)
            mode = "u" if flags & USER else "k"
            place = f"{pc:08x}" if name is None else f"{pc:08x}{name(pc)}"
            slot = "/" if flags & DELAY_SLOT else " "
            found.append(f"{cycle:>10} {seconds}.{rest:09d} {cpu:>2} {mode} {place}{slot} {what}")
        return found

    def _learn(self, pc: int, word: int) -> tuple[str, str, int | None]:
        """An instruction's text, the register that it writes, and its memory offset."""
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        text = disassemble(word, pc, self._profile, self._symbols)
        number = destination(word)
        register = r.GPR_NAMES[number] if number else ""
        found = (f"{text:<{TEXT_WIDTH}}", register, memory_offset(word))
        if not register and found[2] is None:
            found = (text, "", None)
        self._known[pc, word] = found
        return found

    def _name(self, address: int) -> str:
        name = self._symbols(address) if self._symbols is not None else None
        return f" <{name}>" if name else ""

    def _jump(self, pc: int, word: int, values: tuple[int, ...], _flags: int) -> str:
        mnemonic = self._learn(pc, word)[0].split()[0]
        return f"{mnemonic} to {values[0]:08x}{self._name(values[0])}"

    def _exception(self, _pc: int, vector: int, values: tuple[int, ...], flags: int) -> str:
        cause, epc, address, _stack, entry = values
        code = cause >> r.CAUSE_CODE_SHIFT & 31
        text = f"exception {code}: {exception_name(code)}"
        if 1 <= code <= 5:
            text += f", address {address:08x}"
        if 1 <= code <= 3:
            text += ", no TLB entry" if entry == WORD else f", TLB entry {entry}"
        if flags & REFILL:
            text += " (refill)"
        return f"{text}, epc {epc:08x}{self._name(epc)}, to {vector:08x}"

    def _return(self, _pc: int, _word: int, values: tuple[int, ...], _flags: int) -> str:
        mode = "user" if values[0] & r.STATUS_KUC else "kernel"
        interrupts = "on" if values[0] & r.STATUS_IEC else "off"
        return f"return from exception: {mode} mode, interrupts {interrupts}"

    @staticmethod
    def _interrupt(_pc: int, vector: int, values: tuple[int, ...], _flags: int) -> str:
        raised = [name for bit, name in _LINES.items() if values[0] >> bit & 1]
        return f"interrupt: {', '.join(raised)}, to {vector:08x}"

    @staticmethod
    def _tlb(_pc: int, word: int, values: tuple[int, ...], _flags: int) -> str:
        index, high, low, old_high, old_low = values
        name = _TLB_WORDS[word]
        if index == WORD:
            return f"{name} {high & r.VPN_MASK:08x}: not found"
        text = f"{name} [{index}] {entry_text(high, low)}"
        return f"{text}, was {entry_text(old_high, old_low)}" if name.startswith("tlbw") else text

    @staticmethod
    def _address_space(_pc: int, _word: int, values: tuple[int, ...], _flags: int) -> str:
        return f"address space {values[0]} to {values[1]}"

    # For programs.

    def json_lines(self, part: Part) -> list[str]:
        """Each event as a JSON object, with numbers as numbers."""
        encode = msgspec.json.Encoder().encode
        if isinstance(part, TraceEvent):
            told = {
                "cycle": part.cycle, "time": part.time, "kind": part.kind,
                **({"slot": part.slot} if part.slot >= 0 else {}),
                **({"processor": part.processor} if part.processor >= 0 else {}),
                "text": part.text,
                **_call_data(part),
            }  # fmt: skip
            return [encode(told).decode()]
        return [encode(each).decode() for each in self._objects(part)]

    def _objects(self, batch: RecordBatch) -> list[dict[str, Any]]:
        found = []
        for record in RECORD.iter_unpack(batch.records):
            cycle, pc, word, *values, kind, cpu, flags, asid = record
            told: dict[str, Any] = {
                "cycle": cycle,
                "time": batch.time(cycle),
                "kind": NAMES[kind],
                "processor": cpu,
                "mode": "user" if flags & USER else "kernel",
                "asid": asid,
                "pc": pc,
            }
            symbol = self._symbols(pc) if self._symbols is not None else None
            if symbol:
                told["symbol"] = symbol
            if flags & DELAY_SLOT:
                told["delay_slot"] = True
            told.update(self._details(kind, pc, word, values, flags))
            found.append(told)
        return found

    def _details(
        self, kind: int, pc: int, word: int, values: list[int], flags: int
    ) -> dict[str, Any]:
        if kind in (TraceKind.EXCEPTION, TraceKind.INTERRUPT):
            cause, epc, address, stack, entry = values
            code = cause >> r.CAUSE_CODE_SHIFT & 31
            told: dict[str, Any] = {
                "code": code, "name": exception_name(code), "cause": cause, "epc": epc,
                "address": address, "stack": stack, "vector": word, "refill": bool(flags & REFILL),
            }  # fmt: skip
            if 1 <= code <= 3:
                told["entry"] = None if entry == WORD else entry
            return told
        told = {"word": word}
        if kind == TraceKind.INSTRUCTION:
            told["text"] = self._learn(pc, word)[0].rstrip()
            told["completed"] = not flags & TRAPPED
            told["operands"] = values[:2]
            if destination(word):
                told |= {"register": r.GPR_NAMES[destination(word)], "result": values[2]}
            offset = memory_offset(word)
            if offset is not None:
                told["address"] = values[0] + offset & WORD
        elif kind == TraceKind.JUMP:
            told |= {"text": self._learn(pc, word)[0].rstrip(), "target": values[0]}
        elif kind == TraceKind.RETURN:
            told |= {"status": values[0], "stack": values[1]}
        elif kind == TraceKind.TLB:
            told |= {
                "operation": _TLB_WORDS[word],
                "entry": None if values[0] == WORD else values[0],
                "entry_hi": values[1],
                "entry_lo": values[2],
            }
            if _TLB_WORDS[word].startswith("tlbw"):
                told |= {"old_entry_hi": values[3], "old_entry_lo": values[4]}
        elif kind == TraceKind.ADDRESS_SPACE:
            told |= {"old": values[0], "new": values[1]}
        return told
