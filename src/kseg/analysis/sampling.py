"""States from which instructions are executed: drawn at random, the same in every run.

Addresses are what matters most, so every instruction is tried with registers that point into
each kind of storage: mapped, not mapped, and behind each of the kernel's windows.
"""

from collections.abc import Iterator
from random import Random

from kseg.analysis.execution import Examination
from kseg.analysis.states import (
    CACHE_CONTROL,
    CODE,
    CU0,
    DATA,
    HIGH,
    HOME,
    PAGE,
    State,
    mapped_tlb,
)
from kseg.analysis.subjects import Subject
from kseg.isa import registers as r
from kseg.isa.exceptions import RFE_WORD
from kseg.isa.operands import GENERAL, LETTERS
from kseg.isa.profile import Profile

PLACES = {
    "mapped": DATA,
    "kseg0": r.KSEG0 + HOME[1] * PAGE,
    "kseg1": r.KSEG1 + HOME[1] * PAGE,
    "kseg2": HIGH,
    "not mapped": 0x00300000,
    "code": CODE,
}
"""Pages to which registers are made to point."""
ROUNDS = 2
"""How often each of them is tried."""
ZEROS = "zeros"
"""Instead of a place: all registers are zero, which chance would not bring about."""
NUMBERS = 8
"""How often registers hold no addresses in particular."""
PC = CODE + 0x400
"""Far from the page's end, where mips161 would look at the next page already."""
_SPECIAL = (0, 1, 2, 3, 0x80000000, 0x7FFFFFFF, 0xFFFFFFFF)


def samples(
    subject: Subject, examination: Examination, cu0: bool, seed: str = ""
) -> Iterator[tuple[int, State]]:
    """Words of `subject`, each with a state in kernel mode to execute it from.

    `cu0` is the value of Status.CU0 in all of them. The same arguments give the same samples.
    """
    random = Random(f"{examination.profile.name} {subject.name} {seed}")
    for place in [*PLACES] * ROUNDS + [""] * NUMBERS + [ZEROS]:
        # All registers may point to one word, so that branches find equal ones and SC its link.
        together = bool(place) and random.random() < 0.5
        word = subject.word(_fields(subject, random, together))
        yield word, _state(random, examination, place, cu0, together)


def _fields(subject: Subject, random: Random, together: bool) -> dict[str, int]:
    """Fields of an instruction: distinct registers; small displacements, or none."""
    registers = iter(random.sample(range(8, 24), 16))
    fields = {}
    for letter, place in subject.declared.pattern.fields.items():
        if letter == "j":
            fields[letter] = (CODE + random.randrange(0, PAGE, 4)) >> 2
        elif letter in "bi":
            fields[letter] = 0 if together else 4 * random.randrange(-4, 5) & 0xFFFF
        elif LETTERS.get(letter) is GENERAL:
            fields[letter] = next(registers)
        else:
            fields[letter] = random.randrange(1 << min(place.width, 16))
    return fields


def _state(
    random: Random, examination: Examination, place: str, cu0: bool, together: bool
) -> State:
    profile = examination.profile
    gpr = [0] + [0 if place == ZEROS else _value(random, place, profile) for _ in range(31)]
    if together:
        gpr[1:] = [gpr[1] & ~3] * 31
    tlb_hi, tlb_lo = mapped_tlb(asid := random.randrange(64))
    return State(
        fields=_control_registers(random, profile, cu0, asid)
        | {
            "hi": random.getrandbits(32),
            "lo": random.getrandbits(32),
            "ll_pending": int(random.random() < 0.8),
            "ll_address": gpr[1],
            "ll_value": examination.word_at(gpr[1]),
        },
        gpr=tuple(gpr),
        tlb_hi=tlb_hi,
        tlb_lo=tlb_lo,
        slot=RFE_WORD if random.random() < 0.2 else 0,
    )


def _value(random: Random, place: str, profile: Profile) -> int:
    if place:
        address = PLACES[place] + random.randrange(0x100, 0xE00, 4)
        return address + (random.randrange(4) if random.random() < 0.2 else 0)
    if random.random() < 0.3:
        return random.choice(_SPECIAL)
    # A Status that stops the machine would show little else.
    return random.getrandbits(32) & ~profile.status_fatal


def _control_registers(random: Random, profile: Profile, cu0: bool, asid: int) -> dict[str, int]:
    """CP0 and time; no interrupt is about to come."""
    status = (
        random.getrandbits(32) & profile.status_writable & ~(CACHE_CONTROL | CU0 | r.STATUS_KUC)
    )
    if random.random() < 0.15:
        status |= CACHE_CONTROL & profile.status_writable & ~profile.status_fatal
    if cu0:
        status |= CU0
    lines = random.choice((0, 0x400))
    if lines:
        status &= ~r.STATUS_IEC
    clock = random.randrange(1 << 20, 1 << 24)
    delayed = random.random() < 0.2
    return {
        "status": status,
        "cause": random.randrange(13) << r.CAUSE_CODE_SHIFT,
        "epc": CODE + random.randrange(0, PAGE, 4),
        "bad_vaddr": random.getrandbits(32),
        "context": random.getrandbits(32) & ~3,
        "entry_hi": random.randrange(0x400, 0x800) << 12 | asid << 6,
        "entry_lo": random.getrandbits(32) & r.ENTRY_LO_MASK,
        "index": random.randrange(64) << r.INDEX_SHIFT,
        "compare": random.randrange(1 << 10),
        "target_address": random.getrandbits(32) & ~3,
        "interrupt_lines": lines,
        "timer_line": 0,
        "timer_armed": 0,
        "waiting": 0,
        "enabled": 1,
        "pc": PC,
        "in_delay_slot": int(delayed),
        "next_pc": CODE + 0x800 if delayed else 0,
        "pending_load_register": 0,
        "pending_load_value": 0,
        "clock": clock,
        "count_origin": clock - random.randrange(1 << 12, 1 << 16),
        "random_origin": random.randrange(1 << 16),
        "hi_ready": 0,
        "lo_ready": 0,
    }
