"""The registers as GDB numbers them, and the target description that says so.

The first 72 are those of GDB's own `mips` architecture (`gdb/features/mips-*.xml`), in the order
of its `g` packet. GDB takes no description without the floating-point registers, which an R3000
without a coprocessor does not have: they read as zero, and writing them does nothing. What follows
is the rest of CP0. The description cannot say the byte order.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kseg.debug.machine import Processor
from kseg.debug.packets import Malformed
from kseg.isa.profile import Profile
from kseg.isa.registers import GPR_NAMES


@dataclass(frozen=True)
class Register:
    """One register: its name for GDB, and for `Processor.registers`, or "" where GDB wants one
    that does not exist. `type` is one of the target description's."""

    name: str
    own_name: str
    type: str = "uint32"
    writable: bool = True


_PROCESSOR = [Register(f"r{number}", GPR_NAMES[number]) for number in range(32)]
_CONTROL = [Register("status", "status"), Register("lo", "lo"), Register("hi", "hi")]
_CONTROL += [Register("badvaddr", "badvaddr"), Register("cause", "cause")]
_CONTROL += [Register("pc", "pc", "code_ptr")]
_FLOATING = [Register(f"f{number}", "", "ieee_single") for number in range(32)]
_FLOATING += [Register("fcsr", ""), Register("fir", "")]
_SYSTEM = [
    Register("index", "index"),
    Register("random", "random", writable=False),
    Register("entrylo", "entrylo"),
    Register("context", "context"),
    Register("entryhi", "entryhi"),
    Register("epc", "epc", "code_ptr"),
    Register("count", "count"),
    Register("compare", "compare"),
    Register("prid", "prid", writable=False),
    Register("target", "target", "code_ptr", writable=False),
]
"""`target`: where control goes after the delay slot in which pc is; 0 where it is in none."""

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
    for feature, names in _FEATURES.items():
        lines.append(f'<feature name="{feature}">')
        for number, register in enumerate(REGISTERS):
            if register.own_name in names or register.name in names:
                group = ' group="system"' if register in _SYSTEM else ""
                lines.append(
                    f'<reg name="{register.name}" bitsize="32" regnum="{number}"'
                    f' type="{register.type}"{group}/>'
                )
        lines.append("</feature>")
    return "\n".join([*lines, "</target>", ""])


class RegisterFile:
    """The registers of one processor, by GDB's numbers, as bytes in the machine's order."""

    def __init__(self, processor: Processor, profile: Profile, byte_order: str) -> None:
        self._registers, self._state = processor.registers, processor.state
        self._big = byte_order == "big"
        self._computed: dict[str, Callable[[], int]] = {
            "prid": lambda: profile.processor_id,
            "target": lambda: self._state.next_pc if self._state.in_delay_slot else 0,
        }

    def _value(self, register: Register) -> int:
        if not register.own_name:
            return 0
        computed = self._computed.get(register.own_name)
        return self._registers[register.own_name] if computed is None else int(computed())

    def read(self, number: int) -> bytes:
        """Register `number`; Malformed where there is none."""
        return self._value(_register(number)).to_bytes(_BYTES, "big" if self._big else "little")

    def read_all(self) -> bytes:
        """Those of a `g` packet: all of them."""
        return b"".join(self.read(number) for number in range(len(REGISTERS)))

    def write(self, number: int, data: bytes) -> None:
        """Change register `number`; Malformed for what it cannot be. A register that keeps its
        value is left alone: pc stays in its delay slot."""
        register = _register(number)
        if len(data) != _BYTES:
            raise Malformed(f"{len(data)} bytes for a register")
        value = int.from_bytes(data, "big" if self._big else "little")
        if not register.own_name or value == self._value(register):
            return
        if not register.writable:
            raise Malformed(f"{register.name} cannot be written")
        self._registers[register.own_name] = value

    def write_all(self, data: bytes) -> None:
        """Change as many registers as a `G` packet has, except those that cannot be changed."""
        if len(data) % _BYTES or len(data) > _BYTES * len(REGISTERS):
            raise Malformed(f"{len(data)} bytes of registers")
        for number in range(len(data) // _BYTES):
            if REGISTERS[number].writable:
                self.write(number, data[_BYTES * number : _BYTES * (number + 1)])


def _register(number: int) -> Register:
    if number >= len(REGISTERS):
        raise Malformed(f"no register {number}")
    return REGISTERS[number]
