"""What only the interpreter has: tables, code pages, images."""

import struct

import pytest

from kseg.engine import ExitReason, ProcessorState, create
from kseg.engine.interpreter import image
from kseg.engine.interpreter.engine import Interpreter
from kseg.memory.physical import PhysicalMemory

KSEG0 = 0x80000000
V0, A0 = 2, 4


def machine(**options: int) -> tuple[Interpreter, ProcessorState, PhysicalMemory]:
    """A mips161 that stops at BREAK."""
    memory = PhysicalMemory(1 << 20)
    state = ProcessorState()
    state.reset(status=1 << 22, pc=KSEG0)
    state.enabled = 1
    engine = Interpreter("mips161", "big", memory, [state], **options)
    engine.stop_on_break = True
    return engine, state, memory


def put(memory: PhysicalMemory, address: int, *words: int) -> None:
    """Store instructions."""
    memory.write(address, struct.pack(f">{len(words)}I", *words))


BREAK = 0x0000000D
NOP = 0


def addiu(target: int, source: int, immediate: int) -> int:
    return 0x24000000 | source << 21 | target << 16 | immediate & 0xFFFF


def test_more_code_than_the_pool_holds_is_decoded_anew() -> None:
    engine, state, memory = machine(code_pages=3)
    pages = 20
    for page in range(pages):
        put(memory, page * 4096, addiu(V0, V0, 1), 0x08000000 | (page + 1) % pages * 1024, NOP)
    put(memory, 0x1FFC, BREAK)
    engine.run(3 * pages * 10)
    assert state.gpr[V0] == 10 * pages


def test_stores_into_code_take_effect_at_the_next_instruction() -> None:
    engine, state, memory = machine()
    put(
        memory,
        0,
        0x3C088000,  # lui t0, 0x8000
        0x8D090100,  # lw t1, 0x100(t0)
        0xAD090010,  # sw t1, 16(t0): the instruction after the next
        NOP,
        addiu(V0, V0, 1),
        BREAK,
    )
    put(memory, 0x100, addiu(V0, V0, 100))
    assert engine.run(1000).reason is ExitReason.BREAK
    assert state.gpr[V0] == 100


def test_a_page_with_many_stores_is_data_again() -> None:
    engine, state, memory = machine()
    # Execute a page once, then fill it a thousand times, then execute it again.
    put(memory, 0x5000, 0x03E00008, addiu(V0, V0, 1))  # jr ra; v0 += 1
    put(
        memory,
        0,
        0x0C001400,  # jal 0x5000
        NOP,
        0x3C088000,
        0x35085800,  # t0 = 0x80005800
        0x240903E8,  # t1 = 1000
        0xAD090000,  # sw t1, 0(t0)
        addiu(9, 9, -1),
        0x1520FFFD,  # bne t1, zero
        addiu(8, 8, 0),
        0x0C001400,
        NOP,
        BREAK,
    )
    assert engine.run(100_000).reason is ExitReason.BREAK
    assert state.gpr[V0] == 2
    assert memory.read(0x5800, 4) == (1).to_bytes(4, "big")


def test_memory_changed_from_outside_is_executed() -> None:
    engine, state, memory = machine()
    put(memory, 0, addiu(V0, V0, 1), 0x08000000, NOP)
    engine.run(3)
    put(memory, 0, addiu(V0, V0, 50))
    engine.memory_changed(0, 4)
    engine.run(3)
    assert state.gpr[V0] == 51


def test_state_written_from_outside_is_used() -> None:
    engine, state, memory = machine()
    put(memory, 0x2000, 0x8C820000, BREAK)  # lw v0, 0(a0)
    memory.write(0x3000, b"\0\0\0\7")
    memory.write(0x4000, b"\0\0\0\t")
    for frame, expected in ((3, 7), (4, 9)):
        state.pc = KSEG0 + 0x2000
        state.gpr[A0] = 0x1000
        state.tlb_entry_hi[0] = 0x1000
        state.tlb_entry_lo[0] = frame << 12 | 0x200
        engine.state_changed()
        assert engine.run(10).reason is ExitReason.BREAK
        assert state.gpr[V0] == expected


def put_polling_loop(memory: PhysicalMemory, last: int) -> None:
    """A loop at physical 0 that loads a device word into v0; `last` is in its delay slot."""
    put(
        memory,
        0,
        0x3C08BFE0,  # lui t0, 0xbfe0
        0x8D020000,  # lw v0, 0(t0)
        0x08000001,
        last,
    )


def test_a_steady_answer_is_asked_for_once() -> None:
    engine, state, memory = machine()
    put_polling_loop(memory, addiu(V0 + 1, V0 + 1, 1))
    exit_ = engine.run(1000)
    assert exit_.reason is ExitReason.DEVICE_LOAD
    engine.complete_load(0x1234, steady=True)
    assert engine.run(999).reason is ExitReason.BUDGET
    assert state.gpr[V0] == 0x1234
    assert state.gpr[V0 + 1] > 300
    # A new run may be after an event, so the device is asked again.
    assert engine.run(10).reason is ExitReason.DEVICE_LOAD


def test_an_image_survives_packing() -> None:
    made = image.load("mips161", "big")
    assert image.Image.unpack(made.pack()) == made


@pytest.mark.parametrize("processors", [0, 33])
def test_too_many_processors_are_refused(processors: int) -> None:
    states = [ProcessorState() for _ in range(processors)]
    with pytest.raises(ValueError, match="1 to 32"):
        Interpreter("mips161", "big", PhysicalMemory(4096), states)


def test_unknown_engines_profiles_and_orders_are_refused() -> None:
    memory, states = PhysicalMemory(4096), [ProcessorState()]
    with pytest.raises(ValueError, match="interpreter, reference"):
        create("fast", "mips161", "big", memory, states)
    with pytest.raises(ValueError, match=r"there are: r3000, .*mips161, lsi"):
        create("reference", "r9000", "big", memory, states)
    with pytest.raises(ValueError, match="big endian"):
        create("reference", "mips161", "little", memory, states)


def addu(target: int, first: int, second: int) -> int:
    return 0x21 | first << 21 | second << 16 | target << 11


def test_a_value_is_passed_on_through_nops() -> None:
    for nops in range(8):
        engine, state, memory = machine()
        put(memory, 0, addiu(8, 0, 7), *[NOP] * nops, addu(V0, 8, 8), BREAK)
        assert engine.run(100).reason is ExitReason.BREAK
        assert state.gpr[V0] == 14


def test_a_branch_to_a_nop_brings_no_value_along() -> None:
    engine, state, memory = machine()
    put(
        memory,
        0,
        addiu(8, 0, 7),
        0x10000003,  # b to the nop before the addu, from elsewhere
        addiu(9, 0, 1),
        NOP,
        addiu(8, 0, 100),  # what the addu's handler would take over if this came before
        NOP,
        addu(V0, 8, 8),
        BREAK,
    )
    assert engine.run(100).reason is ExitReason.BREAK
    assert state.gpr[V0] == 14


def test_a_branch_to_a_nop_brings_no_value_along_with_a_load_either() -> None:
    memory, state = PhysicalMemory(4096), ProcessorState()
    state.reset(status=0, pc=KSEG0)
    state.enabled = 1
    words = (
        addiu(8, 0, 5),
        NOP,  # what the branch goes to
        addiu(8, 8, -1),
        0x1500FFFD,  # bne t0, zero
        0x8C090000 | 10 << 21,  # lw t1, 0(t2)
    )
    memory.write(0, struct.pack("<5I", *words))
    state.gpr[10] = KSEG0
    Interpreter("r3000", "little", memory, [state]).run(11)
    assert state.gpr[8] == 2


def test_a_changed_instruction_changes_what_is_passed_on() -> None:
    engine, state, memory = machine()
    for _ in range(2):
        put(memory, 0, addiu(8, 0, 7), NOP, addu(V0, 8, 8), BREAK)
        engine.memory_changed(0, 16)
        state.pc = KSEG0
        engine.run(100)
        assert state.gpr[V0] == 14
        # The guest itself replaces the first instruction by one that writes another register.
        put(
            memory,
            0x100,
            0x3C098000,  # lui t1, 0x8000
            0x8D2A0200,  # lw t2, 0x200(t1)
            0xAD2A0000,  # sw t2, 0(t1)
            addiu(8, 0, 1),
            0x08000000,  # j 0x80000000
            NOP,
        )
        put(memory, 0x200, addiu(11, 0, 99))
        state.pc = KSEG0 + 0x100
        engine.run(100)
        assert state.gpr[V0] == 2


def test_a_turn_that_ends_before_the_slot_of_a_jump_to_the_end_of_a_page() -> None:
    """The page after that is looked at in the slot, which is the next turn."""
    found = []
    for name in ("reference", "interpreter"):
        memory = PhysicalMemory(1 << 16)
        put(memory, 0, 0x08000000 | 0xFFFC >> 2, NOP)  # j to the last word of memory
        put(memory, 0x80, 0x08000020, addiu(V0, V0, 1))  # the handler goes round
        states = [ProcessorState(), ProcessorState()]
        for state in states:
            state.reset(status=0, pc=KSEG0)
            state.enabled = 1
        create(name, "mips161", "big", memory, states).run(20)
        for state in states:
            state.discard = 0
        found.append([bytes(state) for state in states])
    assert found[0] == found[1]
