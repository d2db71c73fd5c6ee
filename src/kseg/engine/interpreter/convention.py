"""What all handlers share: their arguments, their variants, and where in the guest they are."""

from dataclasses import dataclass

from kseg.engine.codegen.builder import HANDLER_CONVENTION, FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import CONTEXT_OFFSETS, DISCARD
from kseg.isa.profile import Profile
from kseg.isa.values import select

_PARAMETERS = (
    ("ptr", "state"),
    ("ptr", "entry"),
    ("i64", "budget"),
    ("ptr", "target"),
    ("ptr", "reads"),
    ("ptr", "writes"),
    ("ptr", "context"),
    ("i32", "accumulator"),
)


def handler_builder(name: str) -> FunctionBuilder:
    """A function of the handlers' convention.

    `state` and `context` are the processor's; `entry` is the instruction's; `budget` the cycles
    left, this one's included; `target` (in a delay slot) the entry that comes next; `reads` and
    `writes` the data tables of the present mode; `accumulator` the value that the instruction
    before this one in the page wrote to its register, for handlers that were chosen because they
    read it. At most ten arguments stay in registers.
    """
    # In cache lines of their own: otherwise chance decides over a twentieth of the speed.
    head = f"hidden {HANDLER_CONVENTION}"
    return FunctionBuilder(name, "i32", _PARAMETERS, head, alignment=64)


def arguments(**changed: Operand) -> str:
    """The handlers' arguments as they are, except for those `changed`."""
    return ", ".join(f"{type_} {changed.get(name, '%' + name)}" for type_, name in _PARAMETERS)


@dataclass(frozen=True)
class Variant:
    """Which copy of a handler: in a delay slot, and/or right after a load with delay."""

    in_slot: bool
    load_pending: bool

    @property
    def suffix(self) -> str:
        """What the names of its functions end in."""
        return {(0, 0): "n", (1, 0): "s", (0, 1): "l", (1, 1): "b"}[
            (int(self.in_slot), int(self.load_pending))
        ]


PLAIN, SLOT = Variant(False, False), Variant(True, False)
LOADED, BOTH = Variant(False, True), Variant(True, True)

TABLES = {PLAIN: "handlers", SLOT: "slot_handlers", LOADED: "load_handlers", BOTH: "both_handlers"}
"""The table of Shared for each variant."""


def variants(profile: Profile) -> list[Variant]:
    """The variants of handlers that a profile needs."""
    return [PLAIN, SLOT, LOADED, BOTH] if profile.load_delay else [PLAIN, SLOT]


def pc_of(b: FunctionBuilder, entry: Operand) -> Operand:
    """The virtual address of the instruction whose entry is at `entry`, an i32 operand."""
    address = b.emit(f"ptrtoint ptr {entry} to i64")
    quarter = b.emit(f"trunc i64 {b.emit(f'lshr i64 {address}, 2')} to i32")
    return b.emit(f"add i32 {quarter}, {fields.load_context(b, 'bias')}")


def target_pc(b: FunctionBuilder, target: Operand = "%target") -> Operand:
    """The virtual address that a branch's target entry stands for."""
    go = b.offset("%context", CONTEXT_OFFSETS["go"])
    deferred = b.emit(f"icmp eq ptr {target}, {go}")
    direct = pc_of(b, target)
    return b.emit(f"select i1 {deferred}, i32 {fields.load_context(b, 'target_pc')}, i32 {direct}")


def commit_pending(b: FunctionBuilder, superseded_by: Operand | None) -> None:
    """Let the load that is pending arrive, unless a new load to its register supersedes it."""
    register = fields.load_state(b, "pending_load_register")
    value = fields.load_state(b, "pending_load_value")
    nowhere = register == 0
    if superseded_by is not None:
        nowhere = nowhere | (register == Symbol.of_i32(b, superseded_by))
    offset = select(nowhere, DISCARD, register << 2)
    place = b.offset("%state", Symbol.of_i32(b, offset.i32()).i64())
    b.store("i32", value.i32(), place)
