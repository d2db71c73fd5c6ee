"""A processor as plain data, and what it must be like to be taken back: a saved state comes from a
file, and native code relies on what registers can hold."""

import ctypes
from typing import Any

from kseg.engine.state import FIELDS, ProcessorState
from kseg.errors import StateError
from kseg.machine.event_queue import LATEST

LONGEST_STALL = 1000
"""Cycles; multiplications and divisions take less."""


def executed(state: ProcessorState) -> int:
    """The instructions that a processor has begun and not waited in."""
    cycles = state.kernel_cycles + state.user_cycles
    return int(cycles - state.kernel_stalls - state.user_stalls)


def save_processor(processor: ProcessorState) -> dict[str, Any]:
    """A processor by field name: the C layout may change between versions."""
    return {
        name: list(value) if isinstance(value, ctypes.Array) else value
        for name, value in ((field.name, getattr(processor, field.name)) for field in FIELDS)
    }


def load_processor(processor: ProcessorState, saved: dict[str, Any]) -> None:
    """Take over what `save_processor` returned; StateError when it does not fit, before anything
    has changed."""
    checked = ProcessorState()
    for name, kind, *_, since in FIELDS:
        length = getattr(kind, "_length_", None)
        before = 0 if length is None else [0] * length
        value = saved.get(name, before if since else None)
        number: Any = kind if length is None else getattr(kind, "_type_", None)
        most = 1 << 8 * ctypes.sizeof(number)
        if length is None:
            if not _is_number(value, most):
                raise StateError(f"saved processor has no number {name}")
            setattr(checked, name, value)
        else:
            if not isinstance(value, list) or len(value) != length:
                raise StateError(f"saved processor has no {length} numbers {name}")
            if not all(_is_number(each, most) for each in value):
                raise StateError(f"saved processor has something else than numbers as {name}")
            getattr(checked, name)[:] = value
    _check(checked)
    ctypes.memmove(
        ctypes.addressof(processor), ctypes.addressof(checked), ctypes.sizeof(ProcessorState)
    )


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < most


def _check(processor: ProcessorState) -> None:
    """Raise StateError unless a processor can have come to be like this."""
    wrong = ["gpr[0]"] if processor.gpr[0] else []
    for field in FIELDS:
        value = getattr(processor, field.name)
        if field.counts and isinstance(value, ctypes.Array):
            if max(value) > LATEST:
                raise StateError(f"saved processor: {field.name} cannot be {max(value)}")
        elif (field.counts and value > LATEST) or (field.bits >= 0 and value & ~field.bits):
            wrong.append(field.name)
    for mode in ("kernel", "user"):
        if getattr(processor, f"{mode}_stalls") > getattr(processor, f"{mode}_cycles"):
            wrong.append(f"{mode}_stalls")
    for name in ("hi_ready", "lo_ready"):
        if getattr(processor, name) > processor.clock + LONGEST_STALL:
            wrong.append(name)
    if wrong:
        raise StateError(f"saved processor: {wrong[0]} cannot be {_value(processor, wrong[0])}")


def _value(processor: ProcessorState, name: str) -> int:
    value: int = processor.gpr[0] if name == "gpr[0]" else getattr(processor, name)
    return value
