"""Code tried on a copy of a processor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.isa.assembler import assemble
from kseg.isa.instruction_set import instruction_set
from kseg.isa.profile import profile_named
from kseg.isa.unknown import UNKNOWN, Number
from kseg.unwind.symbolic_processor import Control
from kseg.unwind.symbolic_unwinder import Start, SymbolicUnwinder, moves_within_stack

BASE = 0x80001000


class Words:
    """Memory with a program in it, and some words elsewhere."""

    byte_order = "big"

    def __init__(self, source: str, **words: int) -> None:
        program = assemble(source)
        self.symbols = program.symbols
        self.words = {
            BASE + place: int.from_bytes(program.code[place : place + 4], "big")
            for place in range(0, len(program.code), 4)
        }
        self.words |= {int(name.removeprefix("at_"), 16): value for name, value in words.items()}

    def word(self, address: int) -> int | None:
        return self.words.get(address)

    def read(self, address: int, length: int) -> bytes | None:
        words = [self.words.get(at, 0) for at in range(address, address + length, 4)]
        return b"".join(word.to_bytes(4, "big") for word in words)


def registers(**known: int) -> list[Number]:
    numbers = {"at": 1, "v0": 2, "a0": 4, "s0": 16, "k0": 26, "sp": 29, "fp": 30, "ra": 31}
    found: list[Number] = [UNKNOWN] * 32
    found[0] = 0
    for name, value in known.items():
        found[numbers[name]] = value
    return found


def unwind(memory: Words, what: str = "function_return", **known: int):
    unwinder = SymbolicUnwinder(profile_named("mips161"), memory)  # type: ignore[arg-type]
    start = Start(BASE, registers(**known), Control(0x404, 0, 0x80005000, 0, 0))
    return getattr(unwinder, what)(start)


def test_an_epilogue() -> None:
    memory = Words("lw ra, 20(sp)\nlw s0, 16(sp)\njr ra\naddiu sp, sp, 24",
                   at_80040014=0x80002000, at_80040010=7)  # fmt: skip
    state = unwind(memory, sp=0x80040000, ra=5)
    assert (state.pc, state.interrupted) == (0x80002000, False)
    assert state.registers[29] == 0x80040018
    assert state.registers[16] == 7


@pytest.mark.parametrize(
    "source",
    [
        "jal 0x80003000\nnop\njr ra\nnop",  # a call
        "beqz a0, 1f\nnop\n1: jr ra\nnop",  # a condition that is not known
        "move sp, a0\njr ra\nnop",  # another stack
        "lw ra, 0(a0)\njr ra\nnop",  # an address that is not known
        "break\njr ra\nnop",
        "b .\nnop",  # without end
        ".word 0xffffffff",
        "jr v0\nnop",
        "nop\n" * 39 + "jr ra\nnop",  # too far
    ],
)
def test_nothing_to_unwind(source: str) -> None:
    assert unwind(Words(source), sp=0x80040000, ra=0x80002000) is None


def test_known_conditions_are_followed() -> None:
    memory = Words("bnez a0, 1f\nnop\nbreak\n1: move sp, fp\njr ra\naddiu sp, sp, 8")
    state = unwind(memory, a0=1, sp=0x80030000, fp=0x80040000, ra=0x80002000)
    assert (state.pc, state.registers[29]) == (0x80002000, 0x80040008)


def test_a_delay_slot_goes_where_its_branch_leads() -> None:
    memory = Words("jr ra\naddiu sp, sp, 24")
    unwinder = SymbolicUnwinder(profile_named("mips161"), memory)  # type: ignore[arg-type]
    start = Start(BASE + 4, registers(sp=0x80040000, ra=1), Control(), 0x80002000)
    state = unwinder.function_return(start)
    assert state is not None
    assert (state.pc, state.registers[29]) == (0x80002000, 0x80040018)


SAVING = """
        move    k1, sp
        addiu   sp, sp, -16
        mfc0    k0, c0_epc
        sw      k0, 0(sp)
        sw      k1, 4(sp)
        mfc0    k0, c0_status
        sb      zero, 8(sp)
        sw      k0, 12(sp)
        jal     0x80003000
        nop
{test}
        lw      k0, 12(sp)
        lw      k1, 0(sp)
        mtc0    k0, c0_status
        lw      sp, 4(sp)
        jr      k1
        rfe
"""


@pytest.mark.parametrize(
    "test", ["", "beqz v0, 1f\nnop\nbreak\n1:", "bnez v0, 1f\nnop\nb .\nnop\n1: nop"]
)
def test_a_handler_is_left_as_it_would_be(test: str) -> None:
    state = unwind(Words(SAVING.format(test=test)), "exception_return", sp=0x80040000, ra=3)
    assert (state.interrupted, state.pc, state.registers[29]) == (True, 0x80005000, 0x80040000)
    assert state.user is False
    assert state.registers[2] is UNKNOWN  # The call has left it so.


def test_after_a_call_epc_is_another() -> None:
    source = "jal 0x80003000\nnop\nmfc0 k0, c0_epc\njr k0\nrfe"
    assert unwind(Words(source), "exception_return", sp=0x80040000) is None


def test_a_function_is_no_handler() -> None:
    source = "jal 0x80003000\nnop\nlw ra, 20(sp)\njr ra\naddiu sp, sp, 24"
    assert unwind(Words(source, at_80040014=0x80002000), "exception_return", sp=0x80040000) is None


def test_parts_of_words() -> None:
    source = "lb v0, 0(a0)\nlhu s0, 2(a0)\njr ra\nlwl at, 0(a0)"
    state = unwind(Words(source, at_80040000=0x80341256), a0=0x80040000, ra=4)
    assert state.registers[2] == 0xFFFFFF80
    assert state.registers[16] == 0x1256


@pytest.mark.parametrize(
    ("instruction", "within"),
    [("addiu sp, sp, 8", True), ("move sp, fp", True), ("move sp, a0", False),
     ("addu sp, sp, a0", False), ("addiu sp, a0, 8", False), ("lw sp, 0(sp)", False)],
)  # fmt: skip
def test_what_leaves_the_stack(instruction: str, within: bool) -> None:
    word = int.from_bytes(assemble(instruction).code[:4], "big")
    assert moves_within_stack(word) is within


@pytest.mark.parametrize("profile", ["mips161", "r3000", "lsi"])
@given(data=st.data())
def test_any_code_with_anything_unknown(profile: str, data: st.DataObject) -> None:
    """Every instruction can be tried, whatever is known."""
    encodings = st.sampled_from(instruction_set(profile).encodings)
    number = st.integers(0, 0xFFFFFFFF)
    code = [
        encoding.pattern.match | bits & ~encoding.pattern.mask & 0xFFFFFFFF
        for encoding, bits in data.draw(st.lists(st.tuples(encodings, number), max_size=12))
    ]
    memory = Words("nop")
    memory.words |= {BASE + 4 * place: word for place, word in enumerate([*code, 0x03E00008, 0])}
    known = data.draw(st.lists(st.one_of(st.none(), number), min_size=31, max_size=31))
    registers = [0, *(UNKNOWN if each is None else each for each in known)]
    unwinder = SymbolicUnwinder(profile_named(profile), memory)  # type: ignore[arg-type]
    for control in (Control(), Control(0, 0, BASE, 0, 0)):
        for way in (unwinder.function_return, unwinder.exception_return):
            found = way(Start(BASE, registers, control))
            assert found is None or 0 <= found.pc < 1 << 32
