"""The stub with the debugger that it is for: scripted sessions of gdb-multiarch."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.debug.programs import CALLING, SPINNING, TWO, symbols
from tests.debug.running import debugged

GDB = shutil.which("gdb-multiarch")
pytestmark = pytest.mark.skipif(GDB is None, reason="gdb-multiarch is not installed")

CTRL_C = (
    "python import os, signal, threading; threading.Timer(1, os.kill, (os.getpid(), 2)).start()"
)
"""What a user's Ctrl-C does, a second from now."""

AT = symbols(CALLING)


def session(
    directory: Path,
    source: str,
    *commands: str,
    options: tuple[str, ...] = ("--wait",),
    with_file: bool = True,
    before: Callable[[], None] = lambda: None,
) -> str:
    """What gdb says to some commands."""
    with debugged(directory, source, *options) as (_, address):
        before()
        return scripted(address, commands, directory / "guest.elf" if with_file else None)


def scripted(address: str, commands: Sequence[str], file: Path | None) -> str:
    """What gdb says to some commands, once it has connected."""
    given = ["set pagination off", "set confirm off", "set width 0"]
    given += ["set endian big"] * (file is None)
    given += [f"target remote {address}", *commands]
    arguments = [argument for command in given for argument in ("-ex", command)]
    assert GDB is not None
    done = subprocess.run(
        [GDB, "-nx", "-q", "-batch", *arguments, *([] if file is None else [str(file)])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.stdout


def in_order(text: str, *parts: str) -> None:
    """All parts are there, one behind the other."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        assert found >= 0, f"{part!r} is not in:\n{text[at:]}\n-- of --\n{text}"
        at = found + len(part)


def test_break_continue_backtrace_finish(tmp_path: Path) -> None:
    said = session(tmp_path, CALLING, "break work", "c", "bt 2", "finish", "delete", "c")
    in_order(
        said,
        "in __start ()",
        f"Breakpoint 1 at {AT['work']:#x}",
        "Breakpoint 1, ",
        f"#0  {AT['work']:#010x} in work ()",
        f"#1  {AT['loop'] + 8:#010x} in loop ()",
        f"{AT['loop'] + 8:#010x} in loop ()",
        "exited normally",
    )


def test_a_branch_and_its_slot_are_one_step(tmp_path: Path) -> None:
    said = session(
        tmp_path, CALLING, "break loop", "c", "x/2i $pc", "stepi", "stepi 5", "stepi", "p $a0"
    )
    in_order(
        said,
        f"=> {AT['loop']:#x} <loop>:\tjal\t{AT['work']:#x} <work>",
        "addiu\ta0,s0,1",
        f"{AT['work']:#010x} in work ()",
        f"{AT['loop'] + 8:#010x} in loop ()",
        f"{AT['loop'] + 12:#010x} in loop ()",
        "$1 = 4",
    )


def test_watch(tmp_path: Path) -> None:
    """The store is in a delay slot: gdb steps out of that."""
    said = session(tmp_path, CALLING, "watch *(int *) &counter", "c", "c", "c")
    stopped = f"{AT['loop'] + 8:#010x} in loop ()"
    in_order(
        said,
        *("Old value = 0", "New value = 4", stopped),
        *("Old value = 4", "New value = 7", stopped),
        *("Old value = 7", "New value = 9", stopped),
    )


def test_watch_for_reads(tmp_path: Path) -> None:
    said = session(tmp_path, CALLING, "rwatch *(int *) &counter", "c", "c")
    in_order(said, "Value = 0", f"{AT['work'] + 8:#010x} in work ()", "Value = 4")


def test_registers_memory_and_monitor_commands(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        "set var $t0 = 0x1234",
        "info registers t0 status",
        "p/x $prid",
        "p/x $epc",
        "set var *(int *) &counter = 77",
        "x/dw &counter",
        "x/x 0x1000",
        "info mem",
        "monitor info tlb",
        "monitor cycles",
    )
    in_order(
        said,
        *("t0: 0x1234", "status: 0x400000"),
        *("$1 = 0xa1", "$2 = 0x0"),
        *(f"{AT['counter']:#010x}:\t77", "Cannot access memory at address 0x1000"),
        *("0x80000000 0x80400000 rw", "64 entries, none valid", "0 cycles"),
    )


def test_gdb_finds_the_guests_file(tmp_path: Path) -> None:
    said = session(tmp_path, CALLING, "x/i $pc", "break work", "c", with_file=False)
    in_order(said, "=> 0x80001000 <__start>:\tlui\tsp,0x8004", "in work ()")


def test_without_the_guests_file(tmp_path: Path) -> None:
    path = tmp_path / "guest.elf"
    said = session(tmp_path, CALLING, "x/i $pc", "stepi", with_file=False, before=path.unlink)
    in_order(said, "0x80001000", "=> 0x80001000:\tlui\tsp,0x8004")


def test_ctrl_c(tmp_path: Path) -> None:
    said = session(tmp_path, SPINNING, CTRL_C, "c", "p $t0 > 1000", "stepi 3", options=())
    in_order(said, "Program received signal SIGINT", "spin ()", "$1 = 1", "spin ()")


def test_detach_and_come_back(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        SPINNING,
        "break spin",
        "c",
        "set var $before = $t0",
        "detach",
        "shell sleep 0.2",
        f"target remote {tmp_path / 'socket'}",
        "p $t0 > $before + 100",
        "kill",
    )
    in_order(said, "Breakpoint 1, ", "detached", "$1 = 1", "killed")


def test_two_processors(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        TWO,
        "break second",
        "c",
        "info threads",
        "thread 1",
        "stepi",
        "p $s1",
        options=("--wait", "--cpus", "2"),
    )
    in_order(
        said,
        "Switching to Thread 2",
        'Thread 2 "CPU 1" hit Breakpoint 1',
        'Thread 1 "CPU 0" (running, kernel mode)',
        '* 2    Thread 2 "CPU 1" (running, kernel mode)',
        "Switching to thread 1",
        "$1 = 0",
    )


@pytest.mark.parametrize("engine", ["reference", "interpreter", "translator"])
def test_every_engine(tmp_path: Path, engine: str) -> None:
    said = session(
        tmp_path,
        CALLING,
        "break work if $a0 == 3",
        "c",
        "monitor cycles",
        options=("--wait", "--engine", engine),
    )
    in_order(said, "Breakpoint 1, ", "20 cycles")
