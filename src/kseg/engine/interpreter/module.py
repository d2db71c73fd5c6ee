"""The interpreter of one profile and byte order, as one LLVM module and the tables beside it."""

from dataclasses import dataclass

from kseg.engine import floating_point
from kseg.engine.codegen.typed import compiler
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import (
    PLAIN,
    TABLES,
    Variant,
    arguments,
    commit_pending,
    handler_builder,
    variants,
)
from kseg.engine.interpreter.dispatch import dispatch, fall_through, stop_if_spent
from kseg.engine.interpreter.fields import fault
from kseg.engine.interpreter.handlers import (
    Operation,
    accumulator_handler,
    accumulator_name,
    handlers,
    operations,
    recording,
    rewritable,
)
from kseg.engine.interpreter.layout import (
    BREAKPOINT,
    DISPATCH,
    ENTRY_SIZE,
    FIRST_INSTRUCTION,
    FUNCTIONS,
    GO,
    INTERPRET,
    NOP,
    OPERATIONS,
    PAGE_END,
    PREDECODE,
    RESERVED,
    SENTINEL,
    TRACED,
    TRANSLATED,
)
from kseg.engine.interpreter.runtime import (
    address_translation,
    code_pages,
    control_flow,
    debug_stops,
    decoding,
    entering,
    exceptions,
    invalidation,
    memory,
    modes,
    processor_loop,
    scheduler,
    stops,
    tlb,
    trace_records,
    tracing_hooks,
    translations,
)
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.instruction_set import instruction_set

DESTINATIONS = {"": 0, "t": 1, "d": 2}

_PRELUDE = """
declare i32 @llvm.fshl.i32(i32, i32, i32)
declare i16 @llvm.bswap.i16(i16)
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.usub.sat.i64(i64, i64)
"""

_TEXTS = (
    address_translation.fault,
    memory.slow_load,
    memory.slow_store,
    memory.check_load,
    code_pages.slow_fetch,
    code_pages.materialise,
    code_pages.memory_changed,
    code_pages.entry_changed,
    decoding.peek,
    decoding.decode,
    invalidation.drop_translation,
    modes.resynchronise,
    processor_loop.run_processor,
    scheduler.run,
    stops.is_breakpoint,
    trace_records.trace_retract,
    trace_records.trace_instruction,
    trace_records.trace_jump,
    trace_records.trace_exception,
    trace_records.trace_changed,
)
"""What handlers and Python call of the runtime's texts."""
_TLB_TEXTS = (
    address_translation.tlb_find,
    tlb.tlb_read,
    tlb.tlb_write,
    tlb.tlb_place,
    tlb.tlb_probe,
    tlb.leave_state,
)

_FLOATING_TEXTS = (floating_point.compute, floating_point.raise_unimplemented)


@dataclass(frozen=True)
class Module:
    """LLVM IR, and what the engine needs to know of it."""

    text: str
    tables: dict[str, list[str]]
    """For each table of handlers in `Shared`, the functions by operation ("" where there is
    none)."""
    patterns: list[tuple[int, int, int, int]]
    """Rows of the decoder: mask, match, operation, destination, by major opcode."""
    starts: list[int]
    """By major opcode, the first row; one more at the end."""
    rewritten: dict[int, int]
    """For some operations, the one that does the same to a virtual processor's CP0."""
    jumping: dict[int, int]
    """For those that can jump, the one that does the same and records the jump."""


def build(profile_name: str, byte_order: str) -> Module:
    """Generate the interpreter for a profile and byte order ("big" or "little")."""
    instructions = instruction_set(profile_name)
    profile = instructions.profile
    big_endian = byte_order == "big"
    found = operations(instructions)
    virtual = rewritable(found, profile, big_endian) if profile.has_tlb else {}
    rewritten = {
        FIRST_INSTRUCTION + index: FIRST_INSTRUCTION + len(found) + place
        for place, index in enumerate(virtual)
    }
    found += virtual.values()
    recording_ones = recording(found, profile, big_endian)
    jumping = {
        FIRST_INSTRUCTION + index: FIRST_INSTRUCTION + len(found) + place
        for place, index in enumerate(recording_ones)
    }
    found += recording_ones.values()
    if FIRST_INSTRUCTION + len(found) > OPERATIONS:
        raise ValueError(f"{profile_name} has more operations than an entry can name")
    texts = [
        _nop_passing_on(),
        *control_flow.functions(profile, big_endian),
        *debug_stops.functions(profile),
        *tracing_hooks.functions(profile),
        *translations.functions(profile, big_endian),
        *exceptions.functions(profile),
        *entering.functions(profile),
    ]
    roots = [*_TEXTS, *(_TLB_TEXTS if profile.has_tlb else ())]
    roots += _FLOATING_TEXTS if profile.has_floating_point else ()
    constants = {"PROFILE": profile, "BIG_ENDIAN": big_endian}
    texts += compiler.functions(roots, FUNCTIONS, constants)
    tables: dict[str, list[str]] = {"s_handlers": [], "t_handlers": []}
    destinations: list[int] = []
    for variant in variants(profile):
        texts += [_reserved(variant), _nop(variant)]
        names = _runtime_operations(variant, profile.early_fetch_faults)
        for operation in found:
            name = f"op_{operation.name}_{variant.suffix}"
            added, lifted = handlers(name, operation, profile, big_endian, variant)
            texts += added
            names.append(name)
            if variant == PLAIN:
                destination = DESTINATIONS[lifted.redirected_field()]
                destinations.append(destination | DESTINATIONS[lifted.result_field] << 8)
        tables[TABLES[variant]] = names
    for letter in "st":
        names = [""] * FIRST_INSTRUCTION
        names[NOP] = "nop_passing_on"
        for operation in found:
            text = accumulator_handler(operation, profile, big_endian, letter)
            texts += [text] if text else []
            names.append(accumulator_name(operation, letter) if text else "")
        tables[f"{letter}_handlers"] = names
    patterns, starts = _decoder(found, destinations)
    return Module(
        _PRELUDE + compiler.DECLARATIONS + "\n".join(texts),
        tables,
        patterns,
        starts,
        rewritten,
        jumping,
    )


def _runtime_operations(variant: Variant, early_fetch_faults: bool) -> list[str]:
    """The functions of the operations that are not instructions, by their numbers."""
    suffix = variant.suffix
    names = [""] * FIRST_INSTRUCTION
    names[PREDECODE] = f"predecode_{suffix}"
    names[SENTINEL] = f"sentinel_{suffix}"
    names[GO] = f"go_{suffix}"
    names[PAGE_END] = f"page_end_{suffix}" if early_fetch_faults else f"predecode_{suffix}"
    names[RESERVED] = f"reserved_{suffix}"
    # Translations begin neither in a delay slot nor where a load has yet to arrive.
    begins = "interpret" if variant.in_slot else "translated"
    names[TRANSLATED] = f"{begins}_{suffix}"
    names[INTERPRET] = f"interpret_{suffix}"
    names[DISPATCH] = "dispatch_n" if variant == PLAIN else ""
    names[NOP] = f"nop_{suffix}"
    names[BREAKPOINT] = f"breakpoint_{suffix}"
    names[TRACED] = f"traced_{suffix}"
    return names


def _reserved(variant: Variant) -> str:
    """The handler of whatever is no instruction."""
    b = handler_builder(f"reserved_{variant.suffix}")
    stop_if_spent(b, variant)
    fault(b, int(ExceptionCode.RESERVED_INSTRUCTION))
    b.tail_call(f"@fault_{variant.suffix}", arguments(budget="%left"))
    return b.text()


def _nop(variant: Variant) -> str:
    """The instruction word 0, of which programs for the R3000 have many."""
    b = handler_builder(f"nop_{variant.suffix}")
    stop_if_spent(b, variant)
    if variant.load_pending:
        commit_pending(b, None)
        fields.store_state(b, "pending_load_register", 0)
        fields.store_state(b, "pending_load_value", 0)
    following = "%target" if variant.in_slot else b.offset("%entry", ENTRY_SIZE)
    # Nothing is known of the accumulator here, so the next handler must not use it.
    dispatch(b, following, PLAIN, budget="%left")
    return b.text()


def _nop_passing_on() -> str:
    """A nop that is reached from the entry before: what that left in the accumulator stays."""
    b = handler_builder("nop_passing_on")
    stop_if_spent(b, PLAIN)
    fall_through(b, "%accumulator")
    return b.text()


def _decoder(
    found: list[Operation], destinations: list[int]
) -> tuple[list[tuple[int, int, int, int]], list[int]]:
    """The decoder's rows by major opcode; `operations` has put the specific ones first."""
    rows: list[tuple[int, int, int, int]] = []
    starts: list[int] = []
    for major in range(64):
        starts.append(len(rows))
        if major == 0:
            rows.append((0xFFFFFFFF, 0, NOP, 0))
        for number, operation in enumerate(found, FIRST_INSTRUCTION):
            destination = destinations[number - FIRST_INSTRUCTION]
            rows += [
                (pattern.mask, pattern.match, number, destination)
                for pattern in operation.patterns
                if major & (pattern.mask >> 26) == pattern.match >> 26
            ]
    return rows, [*starts, len(rows)]
