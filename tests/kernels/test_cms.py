"""Processes of cms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kseg import Machine
from kseg.kernels import cms
from tests.gdb.test_commands import said_to


@pytest.fixture(name="machine")
def fixture_machine() -> Iterator[Machine]:
    with Machine("cms", epoch=0) as machine:
        yield machine


def test_a_shell_that_waits_for_input(machine: Machine) -> None:
    machine.run()
    (shell,) = threads = machine.guest_threads()
    assert (shell.name, shell.process_number, shell.state, shell.processor) == (
        "shell", 1, "sleeping", 0,
    )  # fmt: skip
    (line,) = threads.summary()
    assert line == (
        'thread "shell" of process 1: sleeping (CPU 0 idles), waits for console input;'
        " in console_read_key < call_read_key < system_call < trap"
    )
    assert shell.trace.frames[-1].user
    assert threads.findings == []


def test_before_the_first_process(machine: Machine) -> None:
    threads = machine.guest_threads()
    assert list(threads) == []
    assert str(threads) == "no threads yet"
    assert machine.guest_threads().data()["threads"] == []


def test_a_parent_a_child_and_the_clock(machine: Machine) -> None:
    machine.console.expect("cms> ")
    machine.console.sendline("sleep 5000")
    machine.run(seconds=0.5)
    shell, sleep = machine.guest_threads()
    assert shell.wait is not None
    assert str(shell.wait) == "the end of a child"
    assert shell.wait.note == "of process 2"
    assert sleep.wait is not None
    assert str(sleep.wait) == "the clock"
    assert [frame.name for frame in shell.trace.frames[:2]] == ["schedule", "process_wait"]


def test_a_program_that_runs(machine: Machine) -> None:
    machine.console.expect("cms> ")
    machine.console.sendline("dhrystone 1000000")
    machine.run(seconds=0.5)
    _, program = machine.guest_threads()
    assert (program.name, program.state, program.processor) == ("dhrystone", "running", 0)


def test_a_stack_that_has_overflowed(machine: Machine) -> None:
    machine.run()
    (shell,) = machine.guest_threads()
    assert shell.stack is not None
    machine.memory.virtual().set_word(shell.stack[0], 0)
    (finding,) = machine.guest_threads().findings
    assert finding.startswith('stack overflow: the kernel stack of thread "shell" of process 1 (0x')
    assert finding.endswith("the word that marks its low end is overwritten")
    assert finding in machine.report().lines()
    assert finding in said_to(machine, "info guest-threads")


def test_a_table_of_nonsense(machine: Machine) -> None:
    machine.run()
    (symbol,) = machine.symbols.files[0].named("processes")
    machine.memory.virtual().write(symbol.address, bytes(range(256)) * (symbol.size // 256))
    machine.guest_threads()
    machine.memory.virtual().write(symbol.address, b"\0\0\0\3" * (symbol.size // 4))
    assert len(machine.guest_threads()) == 16


def test_for_a_monitor() -> None:
    with Machine("cms-kuseg", epoch=0, monitor="trap-and-emulate") as machine:
        machine.run()
        (shell,) = machine.guest_threads()
        assert str(shell.wait) == "console input"


def test_the_layout_is_that_of_the_sources(tmp_path: Path) -> None:
    """The compiler says where the members are: their offsets as sizes of arrays."""
    pytest.importorskip("ziglang", reason="needs the compiler: pip install .[guests]")
    import subprocess
    import sys

    root = Path(__file__).parents[2] / "guests" / "cms"
    members = "state number parent name kernel_stack stack_pointer waiting_for wake_time".split()
    checks = zip(
        members,
        [cms.STATE, cms.NUMBER, cms.PARENT, cms.NAME, cms.STACK, cms.STACK_POINTER,
         cms.WAITING_FOR, cms.WAKE_TIME],
        strict=True,
    )  # fmt: skip
    lines = [
        f'_Static_assert(__builtin_offsetof(struct process, {name}) == {offset}, "{name}");'
        for name, offset in checks
    ]
    lines.append(f'_Static_assert(sizeof(struct process) == {cms.SIZE}, "size");')
    lines.append(f'_Static_assert(PROCESS_LIMIT == {cms.PROCESSES}, "limit");')
    source = tmp_path / "layout.c"
    source.write_text('#include "process.h"\n' + "\n".join(lines) + "\n")
    command = [sys.executable, "-m", "ziglang", "clang", "--target=mips-unknown-none-eabi"]
    options = ["-march=mips1", "-mabi=32", "-ffreestanding", "-nostdinc", "-fsyntax-only"]
    includes = [f"-I{root / 'kernel'}", f"-I{root / 'include'}"]
    done = subprocess.run(
        [*command, *options, *includes, str(source)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
