"""Threads of OS/161: in memory that is laid out as its kernel does, and in the real one."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from kseg import Machine
from kseg.symbols.executable import SymbolError
from tests.kernels.small_os161 import AT, STRUCTURES, SmallOS161
from tests.unwind.programs import SPINNING, boot


@pytest.fixture(name="kernel")
def fixture_kernel(tmp_path: Path) -> Iterator[SmallOS161]:
    kernel = SmallOS161(tmp_path)
    with kernel.machine:
        yield kernel


def test_threads_and_what_they_do(kernel: SmallOS161) -> None:
    running, ready, sleeper = (kernel.thread(name) for name in ("menu", "ready", "sleeper"))
    kernel.run(running)
    semaphore = kernel.object("semaphore", "done", sem_count=0)
    kernel.sleep(sleeper, "P", semaphore, "semaphore")
    process = kernel._make("proc", p_name=kernel.text("sh"), p_pid=3)
    kernel.set("thread", sleeper, t_proc=process)
    threads = kernel.machine.guest_threads()
    assert [(each.name, each.state) for each in threads] == [
        ("menu", "running"), ("ready", "ready"), ("sleeper", "sleeping"),
    ]  # fmt: skip
    assert threads[0].processor == 0
    assert threads.findings == []
    found = threads.at(sleeper)
    assert found is not None
    assert (found.process, found.process_number) == ("sh", 3)
    assert (found.wait.kind, found.wait.name, found.wait.address) == (
        "semaphore",
        "done",
        semaphore,
    )
    names = [frame.name for frame in found.trace.frames]
    assert names == ["thread_switch", "wchan_sleep", "P", "caller"]
    assert threads.describe(found) == (
        'thread "sleeper" of process 3 "sh": sleeping, waits for semaphore "done" (count 0)'
    )
    assert threads.summary()[-1].endswith("; in P < caller")
    assert ready


def test_a_deadlock_is_called_so(kernel: SmallOS161) -> None:
    first, second, third = (kernel.thread(name) for name in ("first", "second", "third"))
    left = kernel.object("lock", "left", lk_owner=first)
    right = kernel.object("lock", "right", lk_owner=second)
    kernel.sleep(first, "lock_acquire", right, "lock")
    kernel.sleep(second, "lock_acquire", left, "lock")
    kernel.sleep(third, "lock_acquire", left, "lock")
    deadlock, behind = kernel.machine.guest_threads().findings
    assert deadlock == (
        "deadlock of 2 threads, none of which can ever go on:"
        ' "first" waits for lock "right", which "second" holds;'
        ' "second" waits for lock "left", which "first" holds.'
        " Threads that take several locks must take them in one order everywhere"
    )
    assert behind == 'behind the deadlock, for ever too: "third"'


def test_a_lock_that_one_holds_already(kernel: SmallOS161) -> None:
    thread = kernel.thread("once")
    lock = kernel.object("lock", "mine", lk_owner=thread)
    kernel.sleep(thread, "lock_acquire", lock, "lock")
    (finding,) = kernel.machine.guest_threads().findings
    assert finding.startswith('deadlock: thread "once" waits for lock "mine", which it holds')


def test_an_object_whose_address_is_not_on_the_stack(kernel: SmallOS161) -> None:
    thread, holder = kernel.thread("thread"), kernel.thread("holder")
    lock = kernel.object("lock", "hidden", lk_owner=holder)
    kernel.sleep(thread, "lock_acquire", lock, "lock")
    top = kernel.stack_of(thread) + 0x1000
    kernel.word(top - 48 + 16, 0)
    wait = kernel.machine.guest_threads().at(thread).wait
    assert (wait.name, wait.address, wait.holder) == ("hidden", lock, holder)


@pytest.mark.parametrize(
    ("structure", "function", "members", "says"),
    [
        ("semaphore", "P", {"sem_count": 1}, 'semaphore "thing" (count 1)'),
        ("lock", "lock_acquire", {}, 'lock "thing" (nobody holds it)'),
        ("cv", "cv_wait", {}, 'condition variable "thing"'),
    ],
)
def test_a_lost_wake_up(
    kernel: SmallOS161, structure: str, function: str, members: dict[str, int], says: str
) -> None:
    thread, other = kernel.thread("sleeper"), kernel.thread("other")
    kernel.sleep(thread, function, kernel.object(structure, "thing", **members), structure)
    # As long as another one can run, it may come.
    assert kernel.machine.guest_threads().findings == []
    kernel.set("thread", other, t_state=3)
    assert kernel.machine.guest_threads().findings == []  # A handler may be about to.
    kernel.machine.processors[0].state.waiting = 1
    (finding,) = kernel.machine.guest_threads().findings
    assert "lost wake-up" in finding
    assert says in finding


def test_a_lock_of_a_thread_that_is_gone(kernel: SmallOS161) -> None:
    thread = kernel.thread("sleeper")
    lock = kernel.object("lock", "kept", lk_owner=0x80180000)
    kernel.sleep(thread, "lock_acquire", lock, "lock")
    (finding,) = kernel.machine.guest_threads().findings
    assert 'lock "kept", whose holder has ended without releasing it' in finding


def test_a_lock_of_a_thread_that_has_ended(kernel: SmallOS161) -> None:
    thread, gone = kernel.thread("sleeper"), kernel.thread("gone")
    kernel.set("thread", gone, t_state=3)
    kernel.run(gone)
    kernel.set("thread", gone, t_state=3)
    lock = kernel.object("lock", "kept", lk_owner=gone)
    kernel.sleep(thread, "lock_acquire", lock, "lock")
    (finding,) = kernel.machine.guest_threads().findings
    assert '"gone" held when it ended' in finding


def test_a_stack_that_has_overflowed(kernel: SmallOS161) -> None:
    thread = kernel.thread("deep")
    kernel.run(thread)
    low = kernel.stack_of(thread)
    kernel.word(low + 4, 1)
    (finding,) = kernel.machine.guest_threads().findings
    assert finding.startswith(
        f'stack overflow: the kernel stack of thread "deep" ({low:#010x}-{low + 4095:#010x},'
        " 4096 bytes) has overflowed: 1 of 4 words that mark its low end are overwritten"
    )
    kernel.word(low + 4, 0xBAADF00D)
    assert kernel.machine.guest_threads().findings == []
    # A large frame may leave the marks as they are.
    kernel.machine.processors[0].registers["sp"] = low - 96
    (finding,) = kernel.machine.guest_threads().findings
    assert f"its stack pointer is {low - 96:#010x}, 96 bytes below it" in finding


def test_a_recursion_is_named(kernel: SmallOS161) -> None:
    thread = kernel.thread("deep")
    kernel.run(thread)
    low = kernel.stack_of(thread)
    registers = kernel.machine.processors[0].registers
    registers["pc"], registers["sp"] = AT["deep"] + 8, low - 8
    for frame in range(6):
        kernel.word(low - 8 + 24 * frame + 20, AT["deep"] + 16)
    (finding,) = kernel.machine.guest_threads().findings
    assert finding.endswith("6 calls by deep lie on it: a recursion that goes too deep")


@pytest.mark.parametrize(
    ("address", "overflows"), [(0x7FF00FFC, True), (0x10000000, False), (0x7FFFFFF0, False)]
)
def test_a_program_whose_stack_has_overflowed(
    kernel: SmallOS161, address: int, overflows: bool
) -> None:
    thread = kernel.thread("program")
    kernel.run(thread)
    user_stack = 0x7FFFFC00 if address == 0x7FFFFFF0 else 0x7FF00C00
    top = kernel.stack_of(thread) + 0x1000
    frame = top - 16
    kernel.set(
        "trapframe", frame, tf_vaddr=address, tf_cause=3 << 2, tf_sp=user_stack, tf_epc=0x400004
    )
    sp = frame - 16 - 2 * 24
    kernel.word(sp + 24 + 20, AT["common_exception"] + 8)
    kernel.word(sp + 20, AT["mips_trap"] + 16)
    registers = kernel.machine.processors[0].registers
    registers["pc"], registers["sp"] = AT["kill_curthread"] + 8, sp
    threads = kernel.machine.guest_threads()
    assert [each.name for each in threads[0].trace.frames] == [
        "kill_curthread", "mips_trap", "common_exception", "[user]",
    ]  # fmt: skip
    says = (
        'stack overflow: the program of thread "program": its stack has grown to 1020 KiB below'
        " 0x80000000 (stack pointer 0x7ff00c00), and nothing is there for its access to"
        " 0x7ff00ffc, at 0x00400004"
    )
    assert threads.findings == [says] * overflows


def test_two_processors_that_spin_for_each_other(tmp_path: Path) -> None:
    kernel = SmallOS161(tmp_path, cpus=2)
    with kernel.machine as machine:
        for number, name in enumerate(("one", "other")):
            kernel.run(kernel.thread(name), number)
            spinlock = kernel._make("spinlock", splk_lock=1, splk_holder=kernel.cpus[1 - number])
            registers = machine.processors[number].registers
            registers["pc"] = AT["spinlock_acquire"] + 8
            registers["sp"] = registers["sp"] - 48
            registers["s3"] = spinlock
        (finding,) = machine.guest_threads().findings
        assert finding.startswith("deadlock of 2 threads")
        assert "spinlock" in finding


def test_memory_that_was_freed_is_no_thread(kernel: SmallOS161) -> None:
    stale = kernel.thread("stale")
    kernel.set("thread", stale, t_wchan_name=kernel.text("DESTROYED"))
    unnamed = kernel.thread("x")
    kernel.set("thread", unnamed, t_name=0xDEADBEEF)
    unlisted = kernel.thread("unlisted", "S_SLEEP")
    kernel.word(unlisted + 12, 0x80100000)
    assert list(kernel.machine.guest_threads()) == []


def test_a_name_inside_of_the_structure(tmp_path: Path) -> None:
    members = [
        ("t_name", 40, "char[32]") if name == "t_name" else (name, at, type_)
        for name, at, type_ in STRUCTURES["thread"][1]
    ]
    kernel = SmallOS161(tmp_path, structures={**STRUCTURES, "thread": (80, members)})
    with kernel.machine as machine:
        thread = kernel.thread("ignored")
        machine.memory.virtual().write(thread + 40, b"inside\0")
        assert [each.name for each in machine.guest_threads()] == ["inside"]


def test_a_kernel_that_is_not_known(tmp_path: Path) -> None:
    with (
        boot(tmp_path, SPINNING) as machine,
        pytest.raises(SymbolError, match=r"kseg knows those of OS/161 2 \(with debug"),
    ):
        machine.guest_threads()


def test_looking_changes_nothing(kernel: SmallOS161) -> None:
    kernel.run(kernel.thread("menu"))
    state, cycles = kernel.machine.processors[0].state, kernel.machine.cycles
    before = (kernel.machine.memory.read(0, 4 << 20), list(state.gpr), state.pc)
    kernel.machine.guest_threads()
    assert (kernel.machine.memory.read(0, 4 << 20), list(state.gpr), state.pc) == before
    assert kernel.machine.cycles == cycles


@pytest.mark.parametrize("seed", range(12))
def test_corrupt_memory_gives_less(kernel: SmallOS161, seed: int) -> None:
    randrange = random.Random(seed).randrange
    threads = [kernel.thread(f"t{number}") for number in range(4)]
    lock = kernel.object("lock", "lock", lk_owner=threads[0])
    for thread in threads[1:]:
        kernel.sleep(thread, "lock_acquire", lock, "lock")
    kernel.run(threads[0])
    places = [*range(0x80100000, kernel._free, 4), AT["allcpus"], AT["allcpus"] + 4]
    for _ in range(randrange(60)):
        value = randrange(1 << 32) if randrange(2) else places[randrange(len(places))]
        kernel.word(places[randrange(len(places))], value)
    found = kernel.machine.guest_threads()
    assert len(str(found)) < 200_000
    found.data()


def test_a_real_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set KSEG_OS161 to an OS/161 root directory with a kernel and a sys161.conf."""
    root = os.environ.get("KSEG_OS161")
    if not root or not (Path(root) / "kernel").exists():
        pytest.skip("KSEG_OS161 does not name an OS/161 root directory")
    monkeypatch.chdir(root)
    with Machine("kernel", config="sys161.conf") as machine:
        machine.run(seconds=5)
        threads = machine.guest_threads()
        (menu,) = [each for each in threads if each.name == "<boot #0>"]
        assert menu.wait is not None
        assert str(menu.wait) == 'semaphore "console read"'
        assert menu.trace.frames[-1].name == "__start"
        assert threads.findings == []
        calls = machine.trace("syscall")
        machine.console.send("p /bin/true\r")
        machine.run(seconds=5)
        assert any("_exit(0)" in event.text for event in calls.take())
