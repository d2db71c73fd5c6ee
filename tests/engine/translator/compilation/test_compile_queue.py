"""The compiler process: what it answers, and that its end, in whatever way, costs nothing more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kseg.engine.codegen import targets
from kseg.engine.interpreter import image
from kseg.engine.translator.compilation import compile_queue
from kseg.engine.translator.compilation.compile_queue import (
    MOST_FAILURES,
    InlineCompileQueue,
    ProcessCompileQueue,
)
from kseg.engine.translator.compilation.messages import Answer, Request
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.stencils import background
from kseg.engine.translator.tiering.policy import BackEnds
from kseg.platform import processes
from tests.engine.translator import assembly as a
from tests.engine.translator.test_discovery import BASE, count_down, request
from tests.engine.translator.test_engine import EAGER, board, counting

PATIENCE = 120.0
"""Seconds after which a test gives up: many, for the host may be busy."""

HANGING = "import time; time.sleep(1000)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """The processes that workshops start; those still there at the end are killed."""
    found = []

    def start(arguments: list[str], *, piped: bool) -> "subprocess.Popen[bytes] | None":
        process = original(arguments, piped=piped)
        if process is not None:
            found.append(process)
        return process

    original = processes.start
    monkeypatch.setattr(processes, "start", start)
    yield found
    for process in found:
        process.kill()


def asked(number: int = 1, **changes: object) -> Request:
    """A request for which there is a translation."""
    return msgspec.structs.replace(
        request(count_down, seed=BASE + 4), **{"number": number, **changes}
    )


def pretending(code: str) -> ProcessCompileQueue:
    """A queue whose process runs some lines of Python instead of the compiler."""
    return ProcessCompileQueue([sys.executable, "-c", code])


def changed(lines: str) -> ProcessCompileQueue:
    """A queue whose process is the compiler's with something different."""
    return pretending(
        "from kseg.engine.translator.compilation import compile_server as worker\n"
        f"{lines}\nworker.main()"
    )


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answers(shop: ProcessCompileQueue) -> list[Answer]:
    """All that it answers to what has been asked."""
    found: list[Answer] = []
    until(lambda: found.extend(shop.collect()) or not shop.pending)
    return found


def is_running(pid: int) -> bool:
    """Is there such a process that has not ended? One that its new parent has not looked at is
    no concern of ours."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def exists(pid: int) -> bool:
    """The same, but a zombie counts."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_process_answers_what_is_answered_inline() -> None:
    inline, shop = InlineCompileQueue(), ProcessCompileQueue()
    requests = [asked(1), asked(2, profile="r3000"), asked(3, seed=BASE + 0x100)]
    for each in requests:
        inline.submit(each)
        shop.submit(each)
    found = []
    for answer in (*inline.collect(), *answers(shop)):
        translation = answer.translation
        if translation is not None:
            translation = msgspec.structs.replace(translation, seconds=0.0)
        found.append(msgspec.structs.replace(answer, translation=translation))
    shop.close()
    assert found[:3] == found[3:]
    assert [answer.translation is not None for answer in found[:3]] == [True, True, False]


def test_finishing_waits_for_what_is_pending_and_for_the_process(
    started: "list[subprocess.Popen[bytes]]", folder: Path
) -> None:
    shop = ProcessCompileQueue()
    for number in (1, 2):
        shop.submit(asked(number))
    assert [answer.number for answer in shop.finish(PATIENCE)] == [1, 2]
    assert started[0].returncode == 0
    assert any(path.name.startswith("translations-") for path in folder.iterdir())
    assert shop.seconds > 0
    assert shop.finish(PATIENCE) == []
    shop.submit(asked(3))
    assert [answer.number for answer in answers(shop)] == [3]
    assert len(started) == 2
    shop.close()


def test_finishing_waits_for_ever_for_nothing(started: "list[subprocess.Popen[bytes]]") -> None:
    shop = pretending(HANGING)
    assert shop.finish(PATIENCE) == []
    shop.submit(asked(1))
    assert shop.finish(0.01) == []
    assert shop.pending == 1
    started[0].kill()
    assert [answer.translation for answer in shop.finish(PATIENCE)] == [None]
    shop.close()


def test_requests_of_a_process_that_was_killed_are_answered_and_another_is_started(
    started: "list[subprocess.Popen[bytes]]",
) -> None:
    shop = ProcessCompileQueue()
    shop.submit(asked(1))
    shop.submit(asked(2))
    started[0].kill()
    assert [(answer.number, answer.translation) for answer in answers(shop)] == [
        (1, None),
        (2, None),
    ]
    shop.submit(asked(3))
    assert answers(shop)[0].translation is not None
    assert len(started) == 2
    shop.close()


@pytest.mark.parametrize(
    "code",
    [
        "",
        "raise SystemExit(3)",
        "import os; os.kill(os.getpid(), 9)",
        "print('what a site prints at its start', flush=True); " + HANGING,
        f"import os; os.write(1, bytes([1, 0, 0, 0, 0xC1])); {HANGING}",
        "import os\nwhile True: os.write(1, b'\\xff' * 65536)",
    ],
    ids=["ends", "fails", "killed", "prints", "nonsense", "floods"],
)
def test_a_compiler_that_does_not_work_is_not_started_for_ever(
    code: str, started: "list[subprocess.Popen[bytes]]"
) -> None:
    shop = pretending(code)
    for number in range(MOST_FAILURES + 3):
        shop.submit(asked(number))
        [answer] = answers(shop)
        assert (answer.number, answer.translation) == (number, None)
        assert answer.error
    assert len(started) == MOST_FAILURES
    until(lambda: not any(exists(process.pid) for process in started))


def test_no_python_to_be_found_is_no_compiler() -> None:
    shop = ProcessCompileQueue(["/nowhere/python"])
    shop.submit(asked())
    assert answers(shop) == [Answer(1, None, "there is no compiler")]


@pytest.mark.slow
@pytest.mark.parametrize("lines", ["worker.MOST_TRANSLATIONS = 1", "worker.IDLE_SECONDS = 0.01"])
def test_a_compiler_that_takes_its_leave_is_no_failure(
    lines: str, started: "list[subprocess.Popen[bytes]]"
) -> None:
    shop = changed(lines)
    shop.start()
    if "IDLE" in lines:
        started[0].wait(PATIENCE)
        shop._command = processes.command("kseg.engine.translator.compilation.compile_server")
    for number in range(0, 2 * MOST_FAILURES, 5):
        for each in range(number, number + 5):
            shop.submit(asked(each))
        found = answers(shop)
        assert [answer.number for answer in found] == list(range(number, number + 5))
        assert all(answer.translation is not None for answer in found)
    assert shop._failures == 0
    assert len(started) >= 2
    shop.close()


def test_what_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch, started: "list[subprocess.Popen[bytes]]"
) -> None:
    shop = pretending(HANGING)
    shop.submit(asked())
    assert shop.collect() == []
    monkeypatch.setattr(compile_queue, "LONGEST_WAIT", -1.0)
    [answer] = shop.collect()
    assert "too long" in answer.error
    until(lambda: not exists(started[0].pid))


def test_requests_larger_than_a_pipe_do_not_block() -> None:
    large = asked(jumps={4 * site: [BASE] for site in range(100_000)})
    shop = pretending(HANGING)
    shop.submit(large)
    assert shop.collect() == []
    assert shop.pending == 1
    assert shop._outgoing
    shop.close()
    shop = ProcessCompileQueue()
    shop.submit(large)
    assert answers(shop)[0].translation is not None
    shop.close()


def test_an_answer_to_what_was_not_asked_is_no_answer() -> None:
    shop = pretending(
        "import os, msgspec, time\n"
        "content = msgspec.msgpack.encode(dict(number=7, translation=None))\n"
        "os.write(1, len(content).to_bytes(4, 'little') + content + bytes(4))"
    )
    shop.submit(asked(1))
    until(shop._receive)
    found: list[Answer] = []
    assert shop._take_messages(found)
    assert found == []
    assert shop.pending == 1
    shop.close()


@pytest.mark.parametrize(
    ("lines", "changes", "said"),
    [
        ("", {"profile": "r9000"}, "r9000"),
        ("", {"pages": []}, "Error"),
        ("import sys; sys.modules['llvmlite'] = None", {}, "llvmlite"),
    ],
)
def test_what_goes_wrong_in_the_compiler_is_an_answer(
    lines: str, changes: dict[str, object], said: str
) -> None:
    shop = changed(lines)
    shop.submit(asked(1, **changes))
    shop.submit(asked(2, **changes))
    found = answers(shop)
    assert [answer.number for answer in found] == [1, 2]
    assert all(said in answer.error for answer in found if answer.error)
    assert all(answer.translation is None for answer in found)
    assert shop._failures == 0
    shop.close()


def test_closing_leaves_nobody_behind(started: "list[subprocess.Popen[bytes]]") -> None:
    for ask in (False, True):
        shop = ProcessCompileQueue()
        shop.start()
        if ask:
            shop.submit(asked())
            answers(shop)
        shop.close()
        shop.close()
    forgotten = ProcessCompileQueue()
    forgotten.start()
    del forgotten
    assert len(started) == 3
    until(lambda: not any(exists(process.pid) for process in started))


def test_what_is_being_made_while_the_machine_ends_is_kept(
    folder: Path, started: "list[subprocess.Popen[bytes]]"
) -> None:
    shop = ProcessCompileQueue()
    shop.submit(asked())
    assert not shop._outgoing
    shop.close()
    until(lambda: not exists(started[0].pid))
    assert [path.name.split("-")[0] for path in folder.iterdir()] == ["translations"]


@pytest.mark.parametrize("place", [".", "elsewhere"])
def test_the_process_is_of_this_very_kseg(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "kseg").mkdir(parents=True)
    (tmp_path / "elsewhere" / "kseg" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / place))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    shop = ProcessCompileQueue()
    shop.submit(asked())
    assert answers(shop)[0].translation is not None
    shop.close()


@pytest.mark.skipif(not targets.native().has_stencils, reason="stencils are for x86-64")
def test_stencils_are_made_once_and_nobody_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, started: "list[subprocess.Popen[bytes]]"
) -> None:
    monkeypatch.setattr(background, "_started", set())
    monkeypatch.setattr(processes, "command", lambda *_: [sys.executable, "-c", ""])
    for order in ("big", "big", "little"):
        background.make_in_background("r3000", order)
    assert len(started) == 2
    until(lambda: not any(exists(process.pid) for process in started))


def test_the_end_of_python_does_not_wait_for_the_compiler() -> None:
    program = (
        "from kseg.engine.translator.compilation.compile_queue import ProcessCompileQueue\n"
        f"shop = ProcessCompileQueue([{sys.executable!r}, '-c', {HANGING!r}])\n"
        "shop.start()\n"
        "print(shop._process.pid)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=PATIENCE, check=True
    )
    assert run.stderr == b""
    os.kill(int(run.stdout), signal.SIGKILL)


SCRIPT = """
import signal, sys
from tests.engine.translator.compilation import test_compile_queue as t
signal.signal(signal.SIGINT, lambda *_: None)
shop = t.ProcessCompileQueue()
shop.submit(t.asked(1))
t.answers(shop)
print(shop._process.pid, flush=True)
input()
shop.submit(t.asked(2))
print(t.answers(shop)[0].translation is not None, shop._failures, flush=True)
input()
"""


def test_interrupts_do_not_end_the_compiler_but_the_machines_end_does() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parents[4],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        os.kill(pid, signal.SIGINT)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "True 0\n"
        assert is_running(pid)
        process.kill()
    until(lambda: not is_running(pid))


def test_nothing_is_imported_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = f"open({str(tmp_path / 'sprung')!r}, 'w').close()\n"
    (tmp_path / "kseg").mkdir()
    for name in ("kseg/__init__", "struct", "select", "msgspec", "llvmlite"):
        (tmp_path / f"{name}.py").write_text(trap)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    shop = ProcessCompileQueue()
    shop.submit(asked())
    assert answers(shop)[0].translation is not None
    shop.close()
    assert not (tmp_path / "sprung").exists()


def counted(shop: ProcessCompileQueue) -> Translator:
    """A machine that counts, with this queue alone."""
    memory, states = board(counting())
    back_ends = BackEnds(lambda: shop)
    return Translator("mips161", "big", memory, states, thresholds=EAGER, back_ends=back_ends)


@pytest.fixture(scope="module")
def interpreter() -> image.Image:
    """From where it always lies: in a new directory it would be compiled each time."""
    return image.load("mips161", "big")


@pytest.fixture
def _interpreted(interpreter: image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "load", lambda *_: interpreter)


@pytest.mark.usefixtures("_interpreted")
@pytest.mark.parametrize("code", ["", HANGING, "print('nonsense')"])
def test_a_guest_does_not_notice_a_compiler_that_fails(code: str) -> None:
    plain = counted(ProcessCompileQueue(["/nowhere/python"]))
    tested = counted(pretending(code))
    for engine in (plain, tested):
        engine.run(50_000)
    assert bytes(tested.processors[0]) == bytes(plain.processors[0])
    assert tested.processors[0].gpr[a.V0] > 5000
    tested.close()


@pytest.mark.usefixtures("_interpreted")
def test_a_guest_runs_what_the_process_makes() -> None:
    engine = counted(ProcessCompileQueue())

    def run() -> bool:
        engine.run(10_000)
        return engine.statistics.translated_cycles > 0

    until(run)
    assert engine.statistics.compiled >= 1
    assert engine.statistics.compile_seconds > 0
    engine.close()


def test_a_copy_of_the_machines_process_has_a_compiler_of_its_own(
    started: "list[subprocess.Popen[bytes]]",
) -> None:
    shop = ProcessCompileQueue()
    shop.submit(asked(1))
    shop._owner = -1  # as it is in the child of a fork
    assert [answer.number for answer in shop.collect()] == [1]
    shop.submit(asked(2))
    assert answers(shop)[0].translation is not None
    assert len(started) == 2
    shop.close()
