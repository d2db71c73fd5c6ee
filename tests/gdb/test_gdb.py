"""The stub with the debugger that it is for: scripted sessions of gdb-multiarch."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gdb.running import debugged, hosted, listening
from tests.unwind.programs import CALLING, SPINNING, TWO, symbols

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
    """What gdb says to some commands about a guest of `kseg run`."""
    with debugged(directory, source, *options) as (_, address):
        before()
        file = directory / "guest.elf" if with_file else None
        endian = [] if with_file else ["set endian big"]
        return converse(*endian, f"target remote {address}", *commands, file=file)


def converse(*commands: str, file: Path | None = None) -> str:
    """What gdb says to some commands."""
    given = ["set pagination off", "set confirm off", "set width 0", *commands]
    arguments = [argument for command in given for argument in ("-ex", command)]
    assert GDB is not None
    done = subprocess.run(
        [GDB, "-nx", "-q", "-batch", *arguments, *([str(file)] if file else [])],
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


def test_calling_a_function_of_the_guest(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break *&work", "c", "p ((int (*)(int)) work)(30)", "p *(int *) &counter"),
        *("info registers a0 pc", "delete", "break halt if ((int (*)(int)) work)(10) == 0"),
        *("c", "p *(int *) &counter"),
    )
    in_order(
        said,
        *("Breakpoint 1, ", "$1 = 0", "$2 = 30", "a0: 0x4", f"pc: {AT['work']:#x}"),
        *("Breakpoint 2, ", "in halt ()", "$3 = 49"),
    )


def test_conditions(tmp_path: Path) -> None:
    """Those that the stub evaluates, and those that GDB does itself."""
    for where in ("target", "host"):
        said = session(
            tmp_path,
            CALLING,
            f"set breakpoint condition-evaluation {where}",
            *("break *&work if $a0 == 2", "break *&work + 8 if *(int *) &counter == 4", "c", "c"),
            *("p $a0", "reverse-continue", "p $a0", "condition 1 $a0 == 4"),
            *("reverse-continue", "p $a0", "reverse-continue"),
        )
        in_order(
            said,
            *("Breakpoint 2, ", "Breakpoint 1, ", "$1 = 2", "Breakpoint 2, ", "$2 = 3"),
            *("Breakpoint 1, ", "$3 = 4", "No more reverse-execution history"),
        )


def test_ctrl_c_of_a_guest_that_mostly_stands(tmp_path: Path) -> None:
    """GDB evaluates a condition that is never true, thousands of times a second."""
    for resume in ("c", "reverse-continue"):
        said = session(
            tmp_path,
            SPINNING,
            "set breakpoint condition-evaluation host",
            *("stepi 1000", "break *&spin if $t0 == -1", CTRL_C, resume, "p $t0 > 0"),
        )
        in_order(said, "Program received signal SIGINT", "$1 = 1")


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
    in_order(said, "Breakpoint 1, ", "19 cycles")


@pytest.mark.parametrize("monitor", ["bare", "trap-and-emulate", "hybrid"])
def test_every_monitor(tmp_path: Path, monitor: str) -> None:
    """The same session shows the same, in the same cycles."""
    said = session(
        tmp_path,
        CALLING,
        "watch *(int *) &counter",
        "break work if $a0 == 3",
        *("c", "monitor cycles", "bt 2", "c", "monitor cycles", "stepi 3", "p $a0", "finish"),
        *("info registers s0 ra", "monitor cycles", "delete", "c"),
        options=("--wait", "--monitor", monitor),
    )
    in_order(
        said,
        *("New value = 4", "14 cycles", "in loop ()"),
        *("Breakpoint 2, ", "19 cycles", f"{AT['work'] + 12:#010x} in work ()", "$1 = 3"),
        *("New value = 7", "exited normally"),
    )


def test_a_kernel_in_the_window(tmp_path: Path) -> None:
    """It is linked at 0x40000000, where a monitor shows it physical memory."""
    path = tmp_path / "socket"
    arguments = ["run", "--gdb", str(path), "--wait", "--monitor", "trap-and-emulate"]
    with listening(*arguments, "cms-kuseg", "halt"):
        said = converse(
            f"target remote {path}",
            *("x/i $pc", "stepi", "p $pc - 0x40000000 < 0x400000", "monitor cycles", "kill"),
        )
    in_order(said, "=> 0x4000", "$1 = 1", "1 cycles", "killed")


def test_reset(tmp_path: Path) -> None:
    said = session(
        tmp_path,
        CALLING,
        *("break work", "c", "monitor reset", "maintenance flush register-cache", "p $pc"),
        *("c", "p *(int *) &counter", "delete", "c"),
    )
    in_order(said, "reset;", "<__start>", "Breakpoint 1, ", "$2 = 0", "exited normally")


def test_what_gdb_says_of_non_stop(tmp_path: Path) -> None:
    with debugged(tmp_path, SPINNING) as (_, address):
        said = converse("set non-stop on", f"target remote {address}")
    assert "Non-stop mode requested, but remote does not support non-stop" in said


def test_guests_are_inferiors(tmp_path: Path) -> None:
    sources = {"one": CALLING, "two": CALLING, "three": SPINNING}
    with hosted(tmp_path, sources) as (process, address):
        said = converse(
            f"target extended-remote {address}",
            *("info inferiors", "info os processes", "break work", "inferior 2", "continue"),
            *("info threads", "bt 2", "delete", "continue", "inferior 3", CTRL_C, "continue"),
            *("p $t0 > 1000", "detach", "attach 3", "stepi", "info threads", "kill inferiors 1 3"),
        )
        assert process.wait(60) == 0
    in_order(
        said,
        *("1    process 1 ", "one.elf", "2    process 2 ", "two.elf", "3    process 3 "),
        *("two (", "2 locations", 'Thread 2.1 "two CPU 0" hit Breakpoint 1'),
        *('1.1  Thread 1.1 "one CPU 0" (running', "in __start ()", "* 2.1 "),
        *("in work ()", "in loop ()", "[Inferior 2 (process 2) exited normally]"),
        *("received signal SIGINT", "in spin ()", "$1 = 1", "detached", "in spin ()"),
        *("in spin ()", "* 3.1 "),
    )


def test_guests_all_run_with_schedule_multiple(tmp_path: Path) -> None:
    sources = {"one": CALLING, "two": SPINNING}
    with hosted(tmp_path, sources) as (_, address):
        said = converse(
            "set schedule-multiple on",
            f"target extended-remote {address}",
            *("break work if $a0 == 2", "continue", "inferior 2", "continue", "info inferiors"),
        )
    in_order(
        said,
        'Thread 1.1 "one CPU 0" hit Breakpoint 1',
        "[Inferior 1 (process 1) exited normally]",
        "<null>",
        "process 2",
    )
