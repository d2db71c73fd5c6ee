"""A guest has a floating-point unit: what it computes is executed directly, and its interrupt comes
at the same instruction as without a monitor."""

from typing import Any

import pytest

from kseg.engine import ProcessorState
from kseg.isa import registers as r
from tests.monitor.hypervisor.shadows import WINDOW, add, hypervisor, load

HANDLER = """
        mfc0    k0, c0_epc
        cfc1    k1, $31
        mfc0    t8, c0_cause
        addu    s1, s1, k0
        xor     s2, s2, k1
        addu    s3, s3, t8
        addiu   s0, s0, 1
        ctc1    t7, $31
        bltz    t8, slot
        nop
        addiu   k0, k0, 4
slot:   jr      k0
        rfe
"""
"""Goes on behind the instruction; an interrupt in a delay slot returns to its branch, which finds
that FCSR, from t7, enables nothing any more."""

PROGRAM = """
        li      t0, {status:#x}
        mtc0    t0, c0_status
        li      t7, {enables:#x}
        ctc1    t7, $31
        li      t1, 0x3ff00000
        mtc1    t1, $f3
        mtc1    zero, $f2
        lui     t2, 0x4000
        lwc1    $f6, 0x700(t2)
        lwc1    $f7, 0x704(t2)
again:  add.d   $f2, $f2, $f6
        mul.d   $f4, $f2, $f6
        div.d   $f8, $f4, $f0
        cvt.w.d $f10, $f4
        mfc1    t3, $f10
        c.olt.d $f4, $f2
        bc1t    over
        add.s   $f12, $f12, $f7
        addu    s4, s4, t3
over:   bne     zero, t3, later
        div.s   $f14, $f12, $f16
later:  swc1    $f8, 0x708(t2)
        li      t4, {raising:#x}
        ctc1    t4, $31
        nop
        ctc1    t7, $31
        add.d   $f18, $f20, $f20
        mtc0    t0, c0_status
        b       again
        nop
"""
CU1, IM7 = 1 << 29, 1 << 15
ENABLED = CU1 | IM7 | 1
CYCLES = 700


def state_of(state: ProcessorState) -> dict[str, Any]:
    names = [name for name, *_ in ProcessorState._fields_ if name != "discard"]
    values = ((name, getattr(state, name)) for name in names)
    return {name: list(v) if hasattr(v, "__len__") else v for name, v in values}


def run(profile: str, engine: str, *, directly: bool, **program: int) -> dict[str, Any]:
    host = hypervisor(profile, engine)
    try:
        guest = add(host, user=False)
        guest.record.traced = not directly
        load(guest, HANDLER, 0x80, profile)
        load(guest, PROGRAM.format(**program), 0x400, profile)
        guest.memory.write(0x700, bytes.fromhex("9a9999999999b93f"))
        guest.state.pc = WINDOW + 0x400
        guest.state_changed()
        while guest.clock < CYCLES:
            guest.run(min(37, CYCLES - guest.clock))
        if program["status"] & CU1:
            assert (guest.record.direct_cycles > 200) == directly
        return state_of(guest.state)
    finally:
        host.engine.close()


@pytest.mark.parametrize("profile", ["r3000-fpu", "r3000-r3010"])
@pytest.mark.parametrize("engine", ["reference", "interpreter"])
@pytest.mark.parametrize("status", [ENABLED, CU1, CU1 | IM7, 0])
@pytest.mark.parametrize("enables", [0, 0xC00, 0xF80, 2])
def test_directly_executed_or_emulated(
    profile: str, engine: str, status: int, enables: int
) -> None:
    program = {"status": status, "enables": enables, "raising": 0x8400}
    direct = run(profile, engine, directly=True, **program)
    emulated = run(profile, "reference", directly=False, **program)
    assert direct == emulated
    if status == ENABLED:
        # Of CTC1 at least.
        assert direct["exceptions"][0] >= 3
        assert direct["gpr"][r.GPR_NUMBERS["s0"]] >= 3
