"""The registers as GDB numbers them, and the target description that says so.

The first 72 are those of GDB's own `mips` architecture (`gdb/features/mips-*.xml`), in the order
of its `g` packet. GDB takes no description without the floating-point registers: where there is no
floating-point unit they read as zero, and writing them does nothing. What follows is the rest of
CP0. The description cannot say the byte order.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from kseg.gdb.packets import Malformed
from kseg.inspection.processor import Processor
from kseg.isa.profile import Profile
from kseg.isa.registers import FPR_NAMES, GPR_NAMES


@dataclass(frozen=True)
class Register:
    """One register: its name for GDB, and for `Processor.registers`. `type` is one of the target
    description's."""

    name: str
    own_name: str
    type: str = "uint32"
    writable: bool = True
    kept: bool = True
    """Whether GDB puts its value back after a function that the user has called (`call f(x)`)."""


_PROCESSOR = [Register(f"r{number}", GPR_NAMES[number]) for number in range(32)]
_CONTROL = [Register("status", "status"), Register("lo", "lo"), Register("hi", "hi")]
_CONTROL += [Register("badvaddr", "badvaddr"), Register("cause", "cause")]
_CONTROL += [Register("pc", "pc", "code_ptr")]
_FLOATING = [Register(name, name, "ieee_single") for name in FPR_NAMES]
_FLOATING += [Register("fcsr", "fcsr"), Register("fir", "fir", writable=False)]
_SYSTEM = [
    Register("index", "index"),
    Register("random", "random", writable=False, kept=False),
    Register("entrylo", "entrylo"),
    Register("context", "context"),
    Register("entryhi", "entryhi"),
    Register("epc", "epc", "code_ptr"),
    Register("count", "count", kept=False),
    Register("compare", "compare"),
    Register("prid", "prid", writable=False, kept=False),
    Register("target", "target", "code_ptr"),
]
"""`target`: where control goes after the delay slot in which pc is; 0 where it is in none. So a
debugger that puts pc back, and then `target`, is in the delay slot again."""

REGISTERS = _PROCESSOR + _CONTROL + _FLOATING + _SYSTEM

_FEATURES = {
    "org.gnu.gdb.mips.cpu": [*GPR_NAMES, "lo", "hi", "pc"],
    "org.gnu.gdb.mips.cp0": ["status", "badvaddr", "cause"],
    "org.gnu.gdb.mips.fpu": [each.name for each in _FLOATING],
    "org.kseg.r3000.system": [each.own_name for each in _SYSTEM],
}
_BYTES = 4


def target_description() -> str:
    """The document `target.xml` (GDB manual, appendix "Target Descriptions")."""
    lines = ['<?xml version="1.0"?>', '<!DOCTYPE target SYSTEM "gdb-target.dtd">']
    lines += ['<target version="1.0">', "<architecture>mips:3000</architecture>"]
    # With another one, Linux say, GDB would do every step itself by setting breakpoints.
    lines += ["<osabi>none</osabi>"]
    for feature, names in _FEATURES.items():
        lines.append(f'<feature name="{feature}">')
        for number, register in enumerate(REGISTERS):
            if register.own_name in names or register.name in names:
                more = ' group="system"' if register in _SYSTEM else ""
                more += "" if register.kept else ' save-restore="no"'
                lines.append(
                    f'<reg name="{register.name}" bitsize="32" regnum="{number}"'
                    f' type="{register.type}"{more}/>'
                )
        lines.append("</feature>")
    return "\n".join([*lines, "</target>", ""])


ReportedValues = deque[tuple[int, str, int]]
"""What a debugger has read in the registers that cannot be written (processor, name, value): it may
write that back, which does nothing. `random` moves on by itself, so that the value now is not the
only one."""
MOST_REPORTED = 2048
"""Values that are remembered."""


class RegisterFile:
    """The registers of one processor, by GDB's numbers, as bytes in the machine's order."""

    def __init__(
        self,
        processor: Processor,
        profile: Profile,
        byte_order: str,
        reported: ReportedValues | None = None,
    ) -> None:
        self._registers, self._state = processor.registers, processor.state
        self._number = int(self._state.identity)
        self._reported = deque() if reported is None else reported
        self._big = byte_order == "big"
        self._missing = () if profile.has_floating_point else tuple(_FLOATING)
        self._computed: dict[str, Callable[[], int]] = {
            "prid": lambda: profile.processor_id,
            "target": lambda: self._state.next_pc if self._state.in_delay_slot else 0,
        }

    def _value(self, register: Register) -> int:
        if register in self._missing:
            return 0
        computed = self._computed.get(register.own_name)
        return self._registers[register.own_name] if computed is None else int(computed())

    def read(self, number: int) -> bytes:
        """Register `number`; Malformed where there is none."""
        register = _register(number)
        value = self._value(register)
        if not register.writable:
            self._reported.append((self._number, register.name, value))
        return value.to_bytes(_BYTES, "big" if self._big else "little")

    def read_all(self) -> bytes:
        """Those of a `g` packet: all of them."""
        return b"".join(self.read(number) for number in range(len(REGISTERS)))

    def keeps(self, number: int, data: bytes) -> bool:
        """Whether writing this into register `number` changes nothing: it has the value already,
        or it cannot be written and the debugger has read the value there; Malformed for what it
        cannot be."""
        register, value = _register(number), self._number_in(data)
        if register in self._missing or value == self._value(register):
            return True
        return not register.writable and (self._number, register.name, value) in self._reported

    def write(self, number: int, data: bytes) -> None:
        """Change register `number`; Malformed for what it cannot be. A register that keeps its
        value is left alone: pc stays in its delay slot."""
        register, value = _register(number), self._number_in(data)
        if self.keeps(number, data):
            return
        if not register.writable:
            raise Malformed(f"{register.name} cannot be written")
        if register.own_name == "target":
            self._write_target(value)
        else:
            self._registers[register.own_name] = value

    def _number_in(self, data: bytes) -> int:
        if len(data) != _BYTES:
            raise Malformed(f"{len(data)} bytes for a register")
        return int.from_bytes(data, "big" if self._big else "little")

    def _write_target(self, value: int) -> None:
        if value & 3:
            raise Malformed("not the address of an instruction")
        self._state.next_pc, self._state.in_delay_slot = value, int(value != 0)
        # An observer of changed registers hears of this, too.
        self._registers["sp"] = self._registers["sp"]

    def write_all(self, data: bytes) -> None:
        """Change as many registers as a `G` packet has, except those that cannot be changed. What
        it says of `target` belongs to the pc that was, so it does not count for another one."""
        if len(data) % _BYTES or len(data) > _BYTES * len(REGISTERS):
            raise Malformed(f"{len(data)} bytes of registers")
        pieces = [data[start : start + _BYTES] for start in range(0, len(data), _BYTES)]
        moved = any(
            register.own_name == "pc" and not self.keeps(number, piece)
            for number, (register, piece) in enumerate(zip(REGISTERS, pieces, strict=False))
        )
        for number, piece in enumerate(pieces):
            register = REGISTERS[number]
            if register.writable and not (moved and register.own_name == "target"):
                self.write(number, piece)

    def keeps_all(self, data: bytes) -> bool:
        """Whether a `G` packet changes nothing."""
        count = len(data) // _BYTES
        if len(data) % _BYTES or count > len(REGISTERS):
            raise Malformed(f"{len(data)} bytes of registers")
        return all(
            self.keeps(number, data[_BYTES * number : _BYTES * (number + 1)])
            for number in range(count)
            if REGISTERS[number].writable
        )


def _register(number: int) -> Register:
    if number >= len(REGISTERS):
        raise Malformed(f"no register {number}")
    return REGISTERS[number]
