"""The answers to packets about a machine that stands."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.gdb.answers import Detach, Kill, Resume
from kseg.gdb.packets import PACKET_SIZE
from kseg.gdb.registers import REGISTERS
from kseg.gdb.stub import Stub
from kseg.gdb.target import OneMachine
from kseg.gdb.threads import Thread
from tests.cli.kernels import RECEIVED, SERIAL
from tests.unwind.programs import CALLING, TWO, boot, symbols

AT = symbols(CALLING)
PC = 37
EPC = 77


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with boot(tmp_path_factory.mktemp("guest"), CALLING) as made:
        yield made


@pytest.fixture
def stub(machine: Machine) -> Stub:
    return attached(machine)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Stub]:
    """That of a machine which nothing else uses."""
    with boot(tmp_path, CALLING) as made:
        yield attached(made)


def attached(machine: Machine) -> Stub:
    """A stub for a debugger that has just come."""
    made = Stub(OneMachine(machine))
    made.inferior.attach()
    return made


def test_registers_are_in_gdbs_order(machine: Machine, stub: Stub) -> None:
    registers = machine.processors[0].registers
    whole = stub.answer(b"g")
    assert isinstance(whole, bytes)
    words = [whole[start : start + 8] for start in range(0, len(whole), 8)]
    assert len(words) == len(REGISTERS)
    assert [REGISTERS[number].name for number in (32, 33, 34, 35, 36, 37, 38, 70, 71)] == [
        *("status", "lo", "hi", "badvaddr", "cause", "pc", "f0", "fcsr", "fir")
    ]
    assert words[29] == b"%08x" % registers["sp"]
    assert words[PC] == stub.answer(b"p25") == b"%08x" % registers["pc"]
    assert REGISTERS[EPC].name == "epc"


def test_registers_can_be_written(machine: Machine, stub: Stub) -> None:
    registers = machine.processors[0].registers
    assert stub.answer(b"P8=12345678") == b"OK"
    assert registers["t0"] == 0x12345678
    assert stub.answer(b"P0=12345678") == b"OK"
    assert registers["zero"] == 0
    assert stub.answer(b"P30=12345678") == b"OK", "a floating-point register is nowhere"
    whole = stub.answer(b"g")
    assert isinstance(whole, bytes)
    assert stub.answer(b"G" + whole.replace(b"12345678", b"00000007")) == b"OK"
    assert registers["t0"] == 7
    for wrong in (
        b"P25=00000002",
        b"P8=12",
        b"P8",
        b"Pff=00000000",
        b"pff",
        b"P49=00000001",
        b"G0",
    ):
        assert stub.answer(wrong) == b"E01"


def test_what_was_read_can_be_written_back(fresh: Stub) -> None:
    """So debuggers restore all registers behind a function that they have called."""
    stub, machine = fresh, fresh.inferior.machine
    random, prid, target = 73, 80, 81
    assert [REGISTERS[each].name for each in (random, prid, target)] == ["random", "prid", "target"]
    read = {each: stub.answer(b"p%x" % each) for each in range(len(REGISTERS))}
    assert isinstance(machine, Machine)
    machine.run(cycles=5)
    assert stub.answer(b"p%x" % random) != read[random], "it is another one now"
    before = stub.answer(b"g")
    for each, value in read.items():
        assert isinstance(value, bytes)
        assert stub.answer(b"P%x=%b" % (each, value)) == b"OK"
    assert stub.answer(b"P%x=00000001" % random) == b"E01"
    assert stub.answer(b"P%x=00000001" % prid) == b"E01"
    assert isinstance(before, bytes)
    assert stub.answer(b"G" + before) == b"OK"
    assert stub.answer(b"g") == before


def test_who_puts_pc_back_into_a_delay_slot_puts_target_back(fresh: Stub) -> None:
    stub, machine = fresh, fresh.inferior.machine
    state, slot = machine.processors[0].state, AT["loop"] + 4
    target = REGISTERS.index(next(each for each in REGISTERS if each.name == "target"))
    assert stub.answer(b"P25=%08x" % slot) == b"OK"
    assert stub.answer(b"P%x=%08x" % (target, AT["work"])) == b"OK"
    assert (state.pc, state.next_pc, state.in_delay_slot) == (slot, AT["work"], 1)
    whole = stub.answer(b"g")
    assert isinstance(whole, bytes)
    assert stub.answer(b"P25=%08x" % AT["main"]) == b"OK"
    assert not state.in_delay_slot
    assert stub.answer(b"P%x=00000002" % target) == b"E01"
    # In one packet, it belongs to the pc that is there already.
    other = bytearray(whole)
    other[8 * PC : 8 * PC + 8] = b"%08x" % AT["work"]
    assert stub.answer(b"G" + bytes(other)) == b"OK"
    assert (state.pc, state.in_delay_slot) == (AT["work"], 0)


def test_memory_that_keeps_its_contents(fresh: Stub) -> None:
    stub, machine = fresh, fresh.inferior.machine
    changes: list[None] = []
    machine.board.when_changed = lambda: changes.append(None)
    rom = stub.answer(b"mbfc00000,8")
    assert isinstance(rom, bytes)
    assert stub.answer(b"Mbfc00000,8:" + rom) == b"OK"
    code = stub.answer(b"m%x,1800" % 0x80001000)
    assert isinstance(code, bytes)
    assert stub.answer(b"M80001000,1800:" + code) == b"OK"
    assert changes == [], "so the past is still its past"


def test_memory_is_read_without_effects(machine: Machine, stub: Stub) -> None:
    first = machine.memory.virtual().read(AT["work"], 8)
    assert stub.answer(b"m%x,8" % AT["work"]) == first.hex().encode()
    assert stub.answer(b"mffffffff%x,8" % AT["work"]) == first.hex().encode()
    machine.board.input_port.type(b"x")
    for _ in range(2):
        # The character is still there.
        assert stub.answer(b"m%x,4" % (SERIAL + 8)) == b"00000000"
    assert stub.answer(b"m1000,4") == b"E01", "the TLB maps nothing"
    assert stub.answer(b"mbfff0000,4") != b"E01"
    assert stub.answer(b"m9ff00000,4") == b"E01", "an empty slot"


def test_memory_is_written(machine: Machine, stub: Stub) -> None:
    assert stub.answer(b"M%x,2:abcd" % RECEIVED) == b"OK"
    assert stub.answer(b"X%x,1:\x00" % (RECEIVED + 1)) == b"OK"
    assert machine.memory.virtual().read(RECEIVED, 2) == b"\xab\0"
    assert stub.answer(b"X%x,0:" % RECEIVED) == b"OK"
    assert stub.answer(b"M1000,1:00") == b"E01"
    assert stub.answer(b"M%x,2:ab" % RECEIVED) == b"E01"
    assert stub.answer(b"M%x,4:00000000" % SERIAL) == b"E01", "device registers are not written"


def test_long_reads_are_cut(stub: Stub) -> None:
    found = stub.answer(b"m80001000,ffffffff")
    assert isinstance(found, bytes)
    assert 1000 < len(found) <= PACKET_SIZE
    # To the end of RAM.
    assert stub.answer(b"m803ffffc,8") == stub.answer(b"m803ffffc,4")


def test_documents(stub: Stub) -> None:
    for name in (b"features:read:target.xml", b"memory-map:read:", b"threads:read:"):
        text, offset = b"", 0
        while True:
            part = stub.answer(b"qXfer:%b:%x,100" % (name, offset))
            assert isinstance(part, bytes)
            text, offset = text + part[1:], offset + 0x100
            if part[:1] == b"l":
                break
        ElementTree.fromstring(text)
    assert stub.answer(b"qXfer:features:read:other.xml:0,100") == b"E00"
    assert stub.answer(b"qXfer:features:read:target.xml:100000,100") == b"l"
    for unknown in (b"qXfer:auxv:read::0,100", b"qXfer:features:write:target.xml:0:x"):
        assert stub.answer(unknown) == b""


def test_breakpoints(stub: Stub) -> None:
    assert stub.answer(b"Z0,80001000,4") == b"OK"
    assert stub.inferior.points.breakpoint_type(0x80001000) == 0
    assert stub.answer(b"z0,80001000,4") == b"OK"
    assert stub.inferior.points.breakpoint_type(0x80001000) is None
    assert stub.answer(b"Z2,80001000,4") == b"OK"
    assert stub.inferior.points.watch_name(0x80001003, stores=True) == "watch"
    for wrong in (b"Z0,80001002,4", b"Z2,80001000,0", b"Z2,fffffffc,8", b"Z0,80001000", b"Z,"):
        assert stub.answer(wrong) == b"E01"
    assert stub.answer(b"Z5,80001000,4") == b""


def test_there_can_be_only_so_many(stub: Stub) -> None:
    answers = {stub.answer(b"Z0,%x,4" % (4 * number)) for number in range(2000)}
    assert answers == {b"OK", b"E01"}


def test_running(stub: Stub) -> None:
    assert stub.answer(b"vCont?") == b"vCont;c;C;s;S;r"
    all_ = [stub.inferior]
    step = Resume(all_, Thread(stub.inferior, 0))
    assert stub.answer(b"vCont;c") == Resume(all_)
    assert stub.answer(b"vCont;s:1;c") == step
    assert stub.answer(b"s") == stub.answer(b"S05") == step
    assert stub.answer(b"c") == stub.answer(b"C05") == Resume(all_)
    assert isinstance(stub.answer(b"D"), Detach)
    assert isinstance(stub.answer(b"k"), Kill)
    assert isinstance(stub.answer(b"qRcmd," + b"quit".hex().encode()), Kill)
    for wrong in (b"vCont;", b"vCont;x", b"vCont;s:9", b"vCont;s:"):
        assert stub.answer(wrong) in (b"E01", step)
    for without_history in (b"bs", b"bc"):
        assert stub.answer(without_history) == b"E01"
    for unknown in (b"vRun", b"qNothing", b""):
        assert stub.answer(unknown) == b""


def test_threads_are_processors(tmp_path: Path) -> None:
    with boot(tmp_path, TWO, cpus=2) as machine:
        stub = attached(machine)
        assert stub.answer(b"qfThreadInfo") == b"m1,2"
        assert stub.answer(b"qsThreadInfo") == b"l"
        assert stub.answer(b"Hg2") == b"OK"
        assert stub.current.processor == 1
        assert stub.answer(b"Hg3") == b"E01"
        assert stub.answer(b"T2") == b"OK"
        assert stub.answer(b"T3") == stub.answer(b"T0") == b"E01"
        said = stub.answer(b"qThreadExtraInfo,2")
        assert isinstance(said, bytes)
        assert bytes.fromhex(said.decode()) == b"CPU 1: stopped, kernel mode"


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("help", "info tlb"),
        ("info registers", "entryhi"),
        ("info tlb", "none valid"),
        ("info processors", "CPU 0: running"),
        ("info devices", "serial"),
        ("cycles", "0 cycles"),
        ("nonsense", "no command 'nonsense'"),
    ],
)
def test_monitor_commands(stub: Stub, command: str, part: str) -> None:
    said = stub.answer(b"qRcmd," + command.encode().hex().encode())
    assert isinstance(said, bytes)
    assert part in bytes.fromhex(said.decode()).decode()


LETTERS = st.sampled_from([bytes([each]) for each in b"?gGpPmMXcCsSHTDkZzqvbRQ!"])
PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        b"Cont; c s : , = ; # 0 1 2 4 25 -1 ffffffff 80001000 bfe00000 bfff8000 Supported:swbreak+ "
        b"Xfer:features:read:target.xml: Xfer:memory-map:read:: Rcmd, ThreadExtraInfo, 1,2:00 "
        b"68656c70".split()
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(letter=LETTERS, pieces=st.lists(PIECES, max_size=6))
def test_every_packet_has_an_answer(stub: Stub, letter: bytes, pieces: list[bytes]) -> None:
    answer = stub.answer(letter + b"".join(pieces))
    assert isinstance(answer, bytes | Resume | Detach | Kill)
    if isinstance(answer, bytes):
        assert len(answer) <= PACKET_SIZE
