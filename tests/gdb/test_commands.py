"""What GDB's `monitor` commands say."""

from pathlib import Path

import pytest

from kseg import Machine
from kseg.gdb.commands import execute, help_text
from kseg.gdb.stub import Stub
from kseg.gdb.target import OneMachine
from tests.cli.kernels import kernel
from tests.symbols.dwarf import executable
from tests.unwind.programs import CALLING, SPINNING, boot, symbols

AT = symbols(CALLING)


def said_to(machine: Machine, line: str) -> str:
    """What there is to say to a command."""
    said = execute(Stub(OneMachine(machine)), line)
    assert isinstance(said, str)
    return said


def test_a_backtrace(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        while machine.processors[0].pc != AT["work"]:
            machine.run(cycles=1)
        said = said_to(machine, "  BackTrace ").splitlines()
        assert said[0] == f"#0  {AT['work']:#010x} work"
        assert said[1] == f"#1  {AT['loop'] + 8:#010x} loop+0x8"
        assert said[2].endswith(" __start+0xc")


def test_symbols_both_ways(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        work = AT["work"]
        assert said_to(machine, f"symbol {work + 4:#x}") == f"{work + 4:#010x} work+0x4\n"
        assert said_to(machine, "symbol work") == f"{work:#010x} work\n"
        assert said_to(machine, "symbol 0x10") == "0x00000010 ?\n"
        assert said_to(machine, "symbol nothing").startswith("no symbol 'nothing'; give ")
        assert said_to(machine, "symbol menu.c:3").startswith("no line ")


def test_more_symbols(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        other = tmp_path / "other.elf"
        other.write_bytes(kernel(CALLING))
        assert said_to(machine, f"symbols {other}").endswith(" symbols\n")
        assert said_to(machine, "symbol work") == f"{AT['work']:#010x} work\n"
        damaged = tmp_path / "damaged.elf"
        damaged.write_bytes(executable(CALLING, {".debug_line": b"\0\0\0\7\0\5"}))
        said = said_to(machine, f"symbols {damaged}")
        assert said.endswith(" symbols; its debug information is damaged: cut short\n")
        assert "No such file" in said_to(machine, f"symbols {tmp_path}/none")


def test_the_address_space(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        assert "kseg0: ram" in said_to(machine, "info address-space")


@pytest.mark.parametrize("line", ["nonsense", "backtrace 3", "info nothing"])
def test_what_is_no_command(tmp_path: Path, line: str) -> None:
    with boot(tmp_path, SPINNING) as machine:
        said = said_to(machine, line)
        assert said == f"no command {line!r}; there are:\n{help_text()}"


@pytest.mark.parametrize("line", ["symbol", "symbols", "go-to", "Last-Write "])
def test_what_lacks_its_argument(tmp_path: Path, line: str) -> None:
    with boot(tmp_path, SPINNING) as machine:
        said = said_to(machine, line)
    command = line.strip().lower()
    assert said.startswith(f"{command} needs an argument: {command} ")
    known, named = help_text(), said.partition(": ")[2]
    assert f"\n{named}" in known or f"\n{named[:-1]} " in known


def test_files_are_not_named_over_tcp(tmp_path: Path) -> None:
    """What is there and what is not looks the same to strangers."""
    with boot(tmp_path, CALLING) as machine:
        stub = Stub(OneMachine(machine))
        assert str(execute(stub, f"symbols {tmp_path}/none")).startswith("symbols ")
        stub.reads_files = False
        said = {execute(stub, f"symbols {tmp_path}/{name}") for name in ("none", "guest.elf", "")}
        assert len(said) == 1
        assert "--symbols" in str(said)
