"""The floating-point registers by name, where there are any."""

import pytest

from kseg.engine import ProcessorState
from kseg.gdb.registers import REGISTERS, RegisterFile
from kseg.inspection.processor import Processor, RegisterError
from kseg.isa import registers as r
from kseg.isa.profile import profile_named

FCSR = next(number for number, each in enumerate(REGISTERS) if each.name == "fcsr")
F3, FIR = FCSR - 32 + 3, FCSR + 1


def processor(profile: str = "r3000-fpu") -> Processor:
    return Processor(ProcessorState(), profile)


def test_floating_point_registers() -> None:
    found = processor()
    registers = found.registers
    registers["f3"] = 0x3FF00000
    assert registers["f3"] == found.state.fpr[3] == 0x3FF00000
    assert registers["fir"] == 0x340
    assert list(registers)[-3:] == ["f31", "fcsr", "fir"]
    assert len(registers) == len(list(registers))
    with pytest.raises(ValueError, match="fir cannot be set"):
        registers["fir"] = 0


def test_writing_fcsr_moves_the_interrupt_line() -> None:
    found = processor()
    found.registers["fcsr"] = 0xFFFFFFFF
    assert found.state.fcsr == 0x0083FFFF
    assert found.registers["cause"] == r.FLOATING_POINT_LINE
    found.registers["fcsr"] = 0x10000
    assert found.registers["cause"] == 0


def test_without_a_unit_there_are_none() -> None:
    registers = processor("r3000").registers
    assert "f3" not in list(registers)
    for name in ("f3", "fcsr", "fir"):
        with pytest.raises(RegisterError):
            registers[name]


def test_a_debugger_has_them() -> None:
    found = processor()
    file = RegisterFile(found, profile_named("r3000-fpu"), "little")
    file.write(F3, bytes([1, 2, 3, 4]))
    assert found.registers["f3"] == 0x04030201
    assert file.read(F3) == bytes([1, 2, 3, 4])
    assert file.read(FIR) == bytes([0x40, 3, 0, 0])
    assert file.keeps_all(file.read_all())
    none = RegisterFile(processor("r3000"), profile_named("r3000"), "little")
    assert none.read(F3) == bytes(4)
    none.write(F3, bytes([1, 2, 3, 4]))
    assert none.read(F3) == bytes(4)
