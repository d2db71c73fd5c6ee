"""What GDB's `monitor` commands say."""

from pathlib import Path

import pytest

from kseg.debug.commands import HELP, execute
from tests.cli.kernels import kernel
from tests.debug.dwarf import executable
from tests.debug.programs import CALLING, SPINNING, boot, symbols

AT = symbols(CALLING)


def test_a_backtrace(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        while machine.processors[0].pc != AT["work"]:
            machine.run(cycles=1)
        said = execute(machine, 0, "  BackTrace ").splitlines()
        assert said[0] == f"#0  {AT['work']:#010x} work"
        assert said[1] == f"#1  {AT['loop'] + 8:#010x} loop+0x8"
        assert said[2].endswith(" __start+0x10")


def test_symbols_both_ways(tmp_path: Path) -> None:
    with boot(tmp_path, CALLING) as machine:
        work = AT["work"]
        assert execute(machine, 0, f"symbol {work + 4:#x}") == f"{work + 4:#010x} work+0x4\n"
        assert execute(machine, 0, "symbol work") == f"{work:#010x} work\n"
        assert execute(machine, 0, "symbol 0x10") == "0x00000010 ?\n"
        assert execute(machine, 0, "symbol nothing").startswith("no symbol 'nothing'; give ")
        assert execute(machine, 0, "symbol menu.c:3").startswith("no line ")


def test_more_symbols(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        other = tmp_path / "other.elf"
        other.write_bytes(kernel(CALLING))
        assert execute(machine, 0, f"symbols {other}").endswith(" symbols\n")
        assert execute(machine, 0, "symbol work") == f"{AT['work']:#010x} work\n"
        damaged = tmp_path / "damaged.elf"
        damaged.write_bytes(executable(CALLING, {".debug_line": b"\0\0\0\7\0\5"}))
        said = execute(machine, 0, f"symbols {damaged}")
        assert said.endswith(" symbols; its debug information is damaged: cut short\n")
        assert "No such file" in execute(machine, 0, f"symbols {tmp_path}/none")


def test_the_address_space(tmp_path: Path) -> None:
    with boot(tmp_path, SPINNING) as machine:
        assert "kseg0: ram" in execute(machine, 0, "info address-space")


@pytest.mark.parametrize("line", ["symbol", "nonsense", "backtrace 3", "info nothing"])
def test_what_is_no_command(tmp_path: Path, line: str) -> None:
    with boot(tmp_path, SPINNING) as machine:
        said = execute(machine, 0, line)
        assert said == f"no command {line!r}; there are:\n{HELP}"
