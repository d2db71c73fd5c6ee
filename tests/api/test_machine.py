"""The public Python API, on the bundled guest."""

import doctest
import re
from pathlib import Path

import pytest

import kseg
import kseg.api.machine
from kseg import Machine
from kseg.api import ConsoleClosed, ConsoleTimeout, StopReason
from kseg.api.guests import find_guest
from kseg.engine import ENGINES
from kseg.errors import ConfigurationError, DiskImageError, ImageError, KsegError, StateError
from kseg.inspection.memory import AddressError
from kseg.machine import disk_image
from tests.machine.boards import configure

PROMPT = "cms> "


@pytest.fixture
def machine():
    with Machine("cms", epoch=1_000_000_000) as made:
        made.console.expect(PROMPT)
        yield made


def test_the_example_in_the_docstring():
    assert doctest.testmod(kseg.api.machine).failed == 0


def test_only_public_names():
    assert set(kseg.__all__) >= {"Machine", "Console", "Stop", "__version__"}
    assert kseg.Console is kseg.api.Console
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kseg.nothing  # noqa: B018


class TestConsole:
    def test_a_conversation(self, machine):
        machine.console.sendline("echo hello")
        found = machine.console.expect("hello\n")
        assert found.before == "echo "
        assert found.text == "hello\n"
        assert machine.console.expect("hello").before == ""
        assert machine.console.expect(PROMPT).index == 0

    def test_the_earliest_of_several_patterns_wins(self, machine):
        machine.console.sendline("echo one two")
        machine.console.expect("\n")
        found = machine.console.expect(["two", re.compile("o(n)e"), "never"])
        assert (found.index, found.text) == (1, "one")
        assert found.match is not None
        assert found.match[1] == "n"

    def test_it_stops_right_after_the_match(self, machine):
        machine.console.sendline("echo abcdefgh")
        machine.console.expect("\nabc")
        assert machine.console.output.endswith("\nabc")

    @pytest.mark.slow
    def test_a_match_across_many_pieces(self, machine):
        machine.console.sendline("primes 2000")
        found = machine.console.expect(re.compile(r"(\d+\n)+cms> "))
        assert found.text.endswith("1999\ncms> ")

    def test_timeouts_are_virtual(self, machine):
        before = machine.time
        machine.console.sendline("sleep 100")
        with pytest.raises(ConsoleTimeout, match=r"did not print 'cms> ' within 20 virtual"):
            machine.console.expect(PROMPT, timeout=20)
        assert machine.time - before == pytest.approx(20, abs=1e-6)
        assert machine.console.expect(PROMPT, timeout=100)

    def test_an_error_shows_the_end_of_the_output(self, machine):
        machine.console.sendline("echo last words")
        with pytest.raises(ConsoleTimeout, match=r"waits for input.*last words"):
            machine.console.expect("never")

    def test_a_long_output_is_cut_in_errors(self, machine):
        machine.console.sendline("primes 2000")
        with pytest.raises(ConsoleTimeout) as caught:
            machine.console.expect("never")
        assert "1999" in str(caught.value)
        assert len(str(caught.value)) < 1000

    def test_a_machine_that_switches_off(self, machine):
        machine.console.sendline("halt")
        with pytest.raises(ConsoleClosed, match=r"switched off\) before") as caught:
            machine.console.expect("never")
        assert caught.value.stop.reason is StopReason.POWER_OFF
        assert isinstance(caught.value, KsegError)
        with pytest.raises(ConsoleClosed):
            machine.console.expect("never")

    def test_nothing_typed_is_lost_while_the_guest_is_busy(self, machine):
        lines = [f"echo line {number}" for number in range(40)]
        machine.console.sendline("limit 2")
        machine.console.sendline("hog")
        machine.console.send("".join(f"{line}\r" for line in lines))
        machine.console.sendline("echo the end")
        machine.console.expect("\nthe end", timeout=600)
        for line in lines:
            assert f"\n{line.removeprefix('echo ')}\n" in machine.console.output

    def test_bytes_are_typed_as_they_are(self, machine):
        machine.console.send(b"echo x\x08yz\n")
        assert machine.console.expect("\nyz")

    def test_input_given_at_the_start(self):
        with Machine("cms", input="echo first\recho second\rhalt\r") as machine:
            assert machine.run().reason is StopReason.POWER_OFF
            assert machine.console.output.count("first") == 2

    def test_what_is_not_utf_8(self):
        with Machine("cms") as machine:
            machine.console.printed(b"\xc3")
            machine.console.printed(b"\xa4\xff")
            assert machine.console.output == "ä\ufffd"
            assert "4 characters" not in repr(machine.console)


class TestRunning:
    def test_cycles_are_exact(self, machine):
        before = machine.cycles
        machine.console.sendline("hog")
        assert machine.run(cycles=1_234_567).reason is StopReason.CYCLE_LIMIT
        assert machine.cycles - before == 1_234_567

    def test_the_smaller_limit_counts(self, machine):
        machine.console.sendline("hog")
        before = machine.cycles
        machine.run(cycles=1000, seconds=1)
        assert machine.cycles - before == 1000

    def test_until_text_that_comes_now(self, machine):
        machine.console.sendline("echo cms again")
        machine.run(until="cms")
        assert machine.console.output.endswith("echo cms")
        machine.run(until=re.compile("a.ain"))
        assert machine.console.output.endswith("again")

    def test_until_a_predicate(self, machine):
        machine.console.sendline("hog")
        stop = machine.run(until=lambda: machine.processors[0].in_user_mode)
        assert stop.reason is StopReason.CONDITION

    def test_an_idle_guest(self, machine):
        stop = machine.run()
        assert (stop.reason, stop.exit_code) == (StopReason.IDLE, None)

    @pytest.mark.slow
    def test_the_same_run_takes_the_same_cycles_under_every_engine(self):
        runs = []
        for engine in (*ENGINES, ENGINES[0]):
            text = "primes 30\rsort 10\rdate\rhalt\r"
            with Machine("cms", input=text, epoch=1_000_000_000, engine=engine) as machine:
                machine.run()
                runs.append((machine.cycles, machine.time, machine.console.output))
        assert all(run == runs[0] for run in runs)

    def test_representations(self, machine):
        assert repr(machine).startswith("<Machine cms.elf: 1 CPU, 4096 kB,")
        assert "cms> " in repr(machine.console)
        assert repr(machine.processors[0]).startswith("<Processor 0: ")


class TestRegisters:
    def test_by_name_and_number(self, machine):
        registers = machine.processors[0].registers
        registers["a0"] = 0x12345678
        for name in (4, "4", "r4", "$4", "$a0"):
            assert registers[name] == 0x12345678
        assert registers["s8"] == registers["fp"]
        assert registers["zero"] == 0
        registers["zero"] = 5
        assert registers["zero"] == 0

    def test_of_the_coprocessor(self, machine):
        registers = machine.processors[0].registers
        for name in ("pc", "hi", "lo", "status", "cause", "epc", "badvaddr", "context",
                     "entryhi", "entrylo", "index", "compare", "count", "random"):  # fmt: skip
            assert 0 <= registers[name] < 1 << 32
        assert 8 <= registers["random"] >> 8 < 64
        registers["count"] = 1000
        assert registers["count"] == 1000
        registers["pc"] = 0x80001000
        assert machine.processors[0].pc == 0x80001000

    def test_it_is_a_mapping(self, machine):
        registers = machine.processors[0].registers
        assert len(list(registers)) == len(registers) == 46
        assert dict(registers)["sp"] == registers[29]
        assert repr(registers).splitlines()[0].startswith("zero 00000000    at ")
        assert "badvaddr" in repr(registers)

    @pytest.mark.parametrize("name", ["x", 32, -1, "r32", "prid"])
    def test_there_is_no_other(self, machine, name):
        with pytest.raises(KeyError):
            machine.processors[0].registers[name]
        with pytest.raises(KeyError):
            machine.processors[0].registers[name] = 0

    def test_what_cannot_be_set(self, machine):
        registers = machine.processors[0].registers
        for name, value in (("a0", 1 << 32), ("a0", -1), ("pc", 2), ("random", 0)):
            with pytest.raises(ValueError, match=name):
                registers[name] = value
        with pytest.raises(TypeError):
            del registers["a0"]

    def test_a_guest_sees_what_was_set(self, machine):
        # `or a0, a1, a1` and a jump to itself, in free memory.
        machine.memory.write(0x300000, bytes.fromhex("00a5202508 0c0000 00000000".replace(" ", "")))
        processor = machine.processors[0]
        machine.console.sendline("hog")
        machine.run(until=lambda: processor.condition == "running" and not processor.state.cause)
        machine.run(seconds=0.1)
        processor.registers["a1"] = 77
        processor.registers["status"] = 0
        processor.registers["pc"] = 0x80300000
        machine.run(cycles=1)
        assert processor.registers["a0"] == 77


class TestTlb:
    def test_entries_of_a_process(self, machine):
        machine.console.sendline("hog")
        machine.run(seconds=0.1)
        tlb = machine.processors[0].tlb
        assert len(tlb) == 64
        valid = [entry for entry in tlb if entry.valid]
        assert any(entry.page == 0x400000 for entry in valid)
        assert tlb[valid[0].number] == valid[0]
        assert tlb[-1].number == 63
        assert len(tlb[10:20]) == 10
        assert repr(tlb).splitlines()[0] == " #  page      id  frame     flags"
        assert str(valid[0]) in repr(tlb)
        with pytest.raises(IndexError):
            tlb[64]

    def test_an_empty_one(self):
        with Machine("cms") as machine:
            assert repr(machine.processors[0].tlb) == "64 entries, none valid"


class TestMemory:
    def test_physical_and_virtual_are_the_same_bytes(self, machine):
        memory, virtual = machine.memory, machine.memory.virtual()
        memory.write(0x300FFE, b"hello\0")
        assert virtual.read(0x80300FFE, 6) == virtual.read(0xA0300FFE, 6) == b"hello\0"
        assert virtual.string(0x80300FFE) == memory.string(0x300FFE) == b"hello"
        virtual.set_word(0x80300000, 0xDEADBEEF)
        assert memory.word(0x300000) == 0xDEADBEEF
        assert memory.read(0x300000, 4) == bytes.fromhex("deadbeef")
        assert memory.string(0x300000, limit=2) == b"\xde\xad"

    def test_the_memory_of_a_process(self, machine):
        machine.console.sendline("hog")
        machine.run(seconds=0.1)
        virtual = machine.memory.virtual()
        page = 0x400000
        assert virtual.read(page, 64) == machine.memory.read(virtual.physical(page), 64)

    def test_reading_registers_has_no_effect(self, machine):
        serial = 0x1FE00000
        machine.console.send("x")
        machine.run(seconds=0.01)
        before = machine.save()
        assert machine.memory.read(serial, 1) == b"\0"
        assert machine.memory.read(serial + 3, 1) == b"x"
        assert machine.memory.word(serial) == ord("x")
        assert machine.save() == before

    def test_where_nothing_is(self, machine):
        memory = machine.memory
        for address in (0x00400000, 0x1FE0FFF0, 0x3FFFFE, 0x1FE50000 - 2):
            with pytest.raises(AddressError):
                memory.read(address, 4)
            with pytest.raises(AddressError):
                memory.write(address, bytes(4))
        with pytest.raises(AddressError, match="0x6fff0000"):
            memory.virtual().word(0x6FFF0000)

    def test_a_write_that_cannot_be_complete_does_nothing(self, machine):
        with pytest.raises(AddressError):
            machine.memory.virtual().write(0x803FFFFE, b"abcd")
        assert machine.memory.read(0x3FFFFE, 2) != b"ab"

    def test_its_table(self, machine):
        assert repr(machine.memory).splitlines()[0].split() == [
            "00000000..003fffff", "4194304", "rw", "ram"
        ]  # fmt: skip


def test_memory_of_a_kernel_in_the_window():
    with Machine("cms-kuseg", monitor="hybrid") as machine:
        machine.memory.set_word(0x100, 0x12345678)
        assert machine.memory.virtual().word(0x40000100) == 0x12345678
        with pytest.raises(AddressError):
            machine.memory.virtual().word(0x30000100)


class TestState:
    def test_the_same_future_twice(self, machine):
        state = machine.save()
        outputs = []
        for _ in range(2):
            machine.load(state)
            start = len(machine.console.output)
            machine.console.sendline("sort 20")
            machine.run()
            outputs.append((machine.console.output[start:], machine.cycles))
        assert outputs[0] == outputs[1]

    def test_a_machine_built_differently(self, machine):
        with Machine("cms", cpus=2) as other, pytest.raises(StateError):
            other.load(machine.save())


class TestReset:
    def test_the_kernel_boots_once_more(self):
        with Machine("cms", "echo hello; halt", epoch=0) as machine:
            machine.run()
            first, cycles = machine.console.output, machine.cycles
            machine.reset()
            assert machine.cycles == cycles
            assert machine.run().reason is StopReason.POWER_OFF
            assert machine.console.output == 2 * first
            assert machine.cycles > cycles

    @pytest.mark.parametrize("monitor", ["hybrid", "trap-and-emulate"])
    def test_under_a_monitor(self, monitor):
        with Machine("cms", "primes 5; halt", monitor=monitor, epoch=0) as machine:
            machine.run(cycles=10_000)
            before = len(machine.console.output)
            machine.reset()
            assert machine.run().reason is StopReason.POWER_OFF
            assert "\n5\n" in machine.console.output[before:]

    def test_a_snapshot_has_no_kernel(self, tmp_path):
        with Machine("cms") as machine:
            machine.save(tmp_path / "saved")
        with (
            Machine.from_snapshot(tmp_path / "saved") as machine,
            pytest.raises(ConfigurationError, match="from a snapshot"),
        ):
            machine.reset()


class TestBuilding:
    def test_processors_memory_and_arguments(self):
        with Machine("cms", ["echo", "two", "words;", "halt"], cpus=3, ram="8M") as machine:
            machine.run()
            assert "cms 1.0 (8192 kB, 3 CPUs)\ntwo words\n" in machine.console.output
            assert [each.number for each in machine.processors] == [0, 1, 2]
            assert machine.processors[1].condition == "stopped"

    def test_memory_in_bytes(self):
        with Machine("cms", ram=2 << 20) as machine:
            assert machine.memory.size == 2 << 20

    def test_the_scratch_disk_is_formatted(self, machine):
        machine.console.sendline("echo saved > a:/file; cat a:/file")
        machine.console.expect("\nsaved\n")

    def test_a_disk_image(self, tmp_path):
        image = tmp_path / "disk.img"
        disk_image.create(image, 5 << 20)
        with Machine("cms", "format a:; halt", disks=[image]) as machine:
            machine.run()
            with pytest.raises(DiskImageError, match="in use by another machine"):
                Machine("cms", disks=[image])
        with Machine("cms", "echo kept > a:/x; cat a:/x; halt", disks=[image]) as machine:
            machine.run()
            assert "\nkept\n" in machine.console.output

    def test_a_shared_directory(self, tmp_path):
        (tmp_path / "note").write_text("from the host\n")
        with Machine("cms", "cat host:/note; halt", share=tmp_path) as machine:
            machine.run()
            assert "from the host" in machine.console.output

    def test_nothing_of_the_host_by_default(self, machine):
        machine.console.sendline("ls host:/")
        machine.console.expect("no such drive")

    def test_a_configuration_file(self, tmp_path):
        config = tmp_path / "my.conf"
        config.write_text("0 serial\n31 mainboard ramsize=2M cpus=2\n29 timer\n")
        with Machine("cms", "halt", config=config, cpus=4) as machine:
            machine.run()
            assert "2048 kB, 4 CPUs" in machine.console.output

    def test_output_and_messages_as_they_come(self):
        output, messages = bytearray(), []
        with Machine("cms", "halt", output=output.extend, message=messages.append) as machine:
            machine.run()
            assert output.decode() == machine.console.output
            assert messages == machine.messages == []

    def test_statistics(self, machine):
        statistics = machine.statistics
        assert statistics.devices.console_writes == len(machine.console.output)
        assert statistics.virtual_time == pytest.approx(machine.time * 1e9)
        assert statistics.kernel_cycles > 0

    @pytest.mark.parametrize(
        ("arguments", "error", "text"),
        [
            ({"kernel": "nothing"}, ImageError, "kernel nothing: no such file.*cms"),
            ({"kernel": __file__}, ImageError, "not an ELF executable"),
            ({"kernel": Path(__file__).parent}, ImageError, "Is a directory"),
            ({"cpus": 33}, ConfigurationError, "cpus=33: expected a number from 1 to 32"),
            ({"ram": "much"}, ConfigurationError, "ram much: 'much' is not a size"),
            ({"ram": 1000}, ConfigurationError, "1000 is not a multiple of 4096"),
            ({"ram": "8K"}, ImageError, "does not fit into 8K of RAM; give more"),
            ({"seed": "x"}, ConfigurationError, "seed=x: expected a number"),
            ({"quantum": 0}, ConfigurationError, "a turn has at least one cycle"),
            ({"engine": "steam"}, ConfigurationError, "no such engine; there are auto, translator"),
            ({"share": "nowhere"}, ConfigurationError, "share nowhere: no such directory"),
            ({"disks": ["nowhere"]}, DiskImageError, "create it with: kseg disk create"),
            ({"config": "nowhere"}, ConfigurationError, "cannot read configuration nowhere"),
        ],
    )
    def test_what_cannot_be_built(self, arguments, error, text):
        with pytest.raises(error, match=text) as caught:
            Machine(**{"kernel": "cms", **arguments})
        assert "\n" not in str(caught.value)


class TestConfigure:
    def test_disks_go_to_configured_drives_first(self, tmp_path):
        config = tmp_path / "c"
        config.write_text("5 disk file=a rpm=7200\n2 disk file=b\n31 mainboard ramsize=1M\n")
        made = configure(config, disks=["x", "/y", "z"])
        disks = {slot.slot: slot.arguments for slot in made.slots if slot.device == "disk"}
        assert disks[2][-1] == f"file={Path('x').absolute()}"
        assert disks[5][-1] == "file=/y"
        assert disks[3][0] == f"file={Path('z').absolute()}"

    def test_what_the_machine_has_not(self, tmp_path):
        config = tmp_path / "c"
        config.write_text("31 mainboard ramsize=1M\n")
        with pytest.raises(ConfigurationError, match="seed: the machine has no random"):
            configure(config, seed=1)

    def test_a_full_bus(self):
        with pytest.raises(ConfigurationError, match="no slot is free for another disk"):
            configure(disks=["x"] * 27)

    def test_autoseed_and_share(self, tmp_path):
        made = configure(seed="auto", share=tmp_path)
        words = {slot.device: slot.arguments for slot in made.slots}
        assert words["random"] == ["autoseed"]
        assert words["emufs"] == [f"dir={tmp_path}"]
        again = configure(made, share="/")
        assert [slot.device for slot in again.slots].count("emufs") == 1


def test_a_file_called_like_a_bundled_guest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cms").write_bytes(b"mine")
    assert find_guest("cms").bundled == "cms"
    assert find_guest("./cms").path == Path("cms")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pace": "slow"}, "pace 'slow': no such pace"),
        ({"disks": "none.img"}, "none.img: No such file or directory"),
        ({"disks": ["a\0b"]}, "holds a NUL character"),
    ],
)
def test_wrong_arguments_are_one_line(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(KsegError, match=said) as caught:
        Machine("cms", **wrong)
    assert "\n" not in str(caught.value)


def test_machines_leave_nothing_behind(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    disk_image.create(tmp_path / "a.img", 5 << 20)
    before = descriptors()
    for _ in range(5):
        with Machine("cms", disks=tmp_path / "a.img", share=tmp_path) as machine:
            machine.console.expect("cms> ")
    assert descriptors() == before


def test_a_closed_machine_does_not_run() -> None:
    with Machine("cms") as machine:
        machine.run(cycles=1000)
    with pytest.raises(KsegError, match="closed"):
        machine.run(cycles=1)
