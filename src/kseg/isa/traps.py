"""Which exceptions an instruction can take, and what CP0 registers can do: read off their
declarations.

A declaration is executed once on a processor that knows no values and only notes what could
trap. Interrupts and faults of the instruction fetch, which every instruction can meet, are left
out.
"""

from itertools import product
from typing import Any, cast

from kseg.isa.cp0 import ControlRegister
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction import Instruction
from kseg.isa.profile import Profile
from kseg.isa.semantics import Processor
from kseg.isa.unknown import UNKNOWN, Unknown, UnknownRegisters

_LOAD = (
    ExceptionCode.ADDRESS_ERROR_LOAD,
    ExceptionCode.TLB_LOAD,
    ExceptionCode.DATA_BUS_ERROR,
)
_STORE = (
    ExceptionCode.ADDRESS_ERROR_STORE,
    ExceptionCode.TLB_STORE,
    ExceptionCode.TLB_MODIFIED,
    ExceptionCode.DATA_BUS_ERROR,
)
_NEEDS_TLB = frozenset(
    (ExceptionCode.TLB_LOAD, ExceptionCode.TLB_STORE, ExceptionCode.TLB_MODIFIED)
)


class _Recorder:
    """A processor that notes the exceptions a declaration could raise."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.big_endian = "big" in profile.byte_orders
        self.gpr = self.fpr = UnknownRegisters()
        self.found: set[ExceptionCode] = set()
        self.changed = False

    def __getattr__(self, name: str) -> Any:
        """What is not below can neither trap nor be known: registers, and actions on them."""
        if callable(getattr(Processor, name, None)):
            return self._act
        return UNKNOWN

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in Processor.__annotations__ and name not in (
            "profile",
            "big_endian",
            "gpr",
            "fpr",
        ):
            self.changed = True

    def _act(self, *_arguments: Any, **_options: Any) -> Unknown:
        self.changed = True
        return UNKNOWN

    def trap(self, code: ExceptionCode, _coprocessor: int = 0) -> None:
        self.found.add(code)

    def trap_if(self, _condition: Any, code: ExceptionCode, _coprocessor: int = 0) -> None:
        self.found.add(code)

    def require_cp0(self) -> None:
        self.found.add(ExceptionCode.COPROCESSOR_UNUSABLE)

    def load(self, _address: Any, _size: int) -> Unknown:
        self.found.update(_LOAD)
        return UNKNOWN

    def load_around(self, address: Any) -> Unknown:
        return self.load(address, 4)

    def check_address(self, _condition: Any, address: Any) -> None:
        self.load(address, 4)

    def store(self, _address: Any, _size: int, _value: Any) -> None:
        self.found.update(_STORE)

    def store_masked(self, address: Any, value: Any, _mask: Any) -> None:
        self.store(address, 4, value)

    def store_if(self, _condition: Any, address: Any, _expected: Any, value: Any) -> Unknown:
        self.store(address, 4, value)
        return UNKNOWN


def traps(declared: Instruction, profile: Profile) -> frozenset[ExceptionCode]:
    """The exceptions that executing `declared` can raise on a processor of `profile`."""
    recorder = _Recorder(profile)
    for constants in _constants(declared):
        operands = [constants.get(letter, UNKNOWN) for letter in declared.operands]
        declared.meaning(recorder, *operands)
    found = recorder.found if profile.has_tlb else recorder.found - _NEEDS_TLB
    return frozenset(found)


def _constants(declared: Instruction) -> list[dict[str, int]]:
    """Every combination of the operands on whose value the meaning may branch."""
    letters = sorted(declared.constants)
    widths = [declared.pattern.fields[letter].width for letter in letters]
    return [
        dict(zip(letters, values, strict=True))
        for values in product(*(range(1 << width) for width in widths))
    ]


def access(register: ControlRegister, profile: Profile) -> str:
    """What can be done with a CP0 register: "read", "read, write", or "reading raises RI"."""
    recorder = _Recorder(profile)
    processor = cast(Processor, recorder)
    register.read(processor)
    if ExceptionCode.RESERVED_INSTRUCTION in recorder.found:
        return "reading raises RI"
    recorder.changed = False
    register.write(processor, UNKNOWN)
    return "read, write" if recorder.changed else "read"
