"""`kseg run` with pipes and files; terminals are in test_terminal."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from kseg.api.guests import find_guest
from kseg.machine import disk_image
from tests.cli import kernels
from tests.cli.command import COMMAND, PROMPT, environment, kseg

BANNER = "cms 1.0 (4096 kB, 1 CPU)\n"
KERNEL = find_guest("cms").path

TWO_OF_A_PAGE = """
        li      t0, 0x1000
        mtc0    t0, c0_entryhi
        mtc0    zero, c0_index
        nop
        tlbwi
        li      t0, 0x100
        mtc0    t0, c0_index
        nop
        tlbwi
        b       .
        nop
"""


def start(*arguments, **streams):
    return subprocess.Popen(
        [*COMMAND, "run", *arguments], encoding="utf-8", env=environment(), **streams
    )


class TestBooting:
    def test_a_bundled_guest(self):
        result = kseg("run", "cms", "echo", "hello;", "halt")
        assert (result.returncode, result.stdout, result.stderr) == (0, BANNER + "hello\n", "")

    def test_a_kernel_by_its_path(self):
        result = kseg("run", KERNEL, "echo hello; halt")
        assert (result.returncode, result.stdout) == (0, BANNER + "hello\n")

    def test_options_of_the_guest_are_its_own(self):
        result = kseg("run", "cms", "echo", "--", "--cpus", "2;", "halt")
        assert result.stdout == BANNER + "--cpus 2\n"

    def test_options_change_the_machine(self, tmp_path):
        (tmp_path / "file").write_text("shared\n")
        result = kseg("run", "--cpus", "2", "--ram", "1M", "--share", tmp_path, "--seed", "auto",
                      "--epoch", "86400", "--engine", "reference",
                      "cms", "cat host:/file; date; halt")  # fmt: skip
        assert result.returncode == 0
        assert result.stdout.startswith("cms 1.0 (1024 kB, 2 CPUs)\nshared\nFri 1970-01-02 ")

    def test_a_configuration_in_the_current_directory(self, tmp_path):
        (tmp_path / "sys161.conf").write_text("0 serial\n29 timer\n31 mainboard ramsize=2M\n")
        result = kseg("run", KERNEL, "halt", cwd=tmp_path)
        assert result.stdout.startswith("cms 1.0 (2048 kB")
        result = kseg("run", "cms", "halt", cwd=tmp_path)
        assert result.stdout.startswith("cms 1.0 (4096 kB")

    def test_a_configuration_by_its_name(self, tmp_path):
        config = tmp_path / "big.conf"
        config.write_text("0 serial\n29 timer\n31 mainboard ramsize=8M\n")
        result = kseg("run", "--config", config, "cms", "halt")
        assert result.stdout.startswith("cms 1.0 (8192 kB")

    def test_a_disk_keeps_its_files(self, tmp_path):
        image = tmp_path / "disk"
        disk_image.create(image, 5 << 20)
        kseg("run", "--disk", image, "cms", "format a:; echo kept > a:/x; halt")
        result = kseg("run", "--disk", image, "cms", "cat a:/x; halt")
        assert result.stdout == BANNER + "kept\n"


class TestInput:
    def test_a_pipe(self):
        result = kseg("run", "cms", input="echo one\necho two\r\nhalt\n")
        assert result.returncode == 0
        assert result.stdout == (
            f"{BANNER}{PROMPT}echo one\none\n{PROMPT}echo two\ntwo\n{PROMPT}halt\n"
        )

    def test_a_file(self, tmp_path):
        script = tmp_path / "script"
        script.write_text("echo one\nhalt\n")
        by_name = kseg("run", "--input", script, "cms")
        with script.open() as file:
            redirected = subprocess.run(
                [*COMMAND, "run", "cms"], stdin=file, capture_output=True, encoding="utf-8",
                env=environment(), check=True,
            )  # fmt: skip
        assert by_name.stdout == redirected.stdout
        assert "\none\n" in by_name.stdout

    def test_a_file_gives_the_same_run_each_time(self, tmp_path):
        script = tmp_path / "script"
        script.write_text("primes 100\nsleep 1\nsort 50\nhalt\n")
        runs = []
        for number in range(2):
            stats = tmp_path / f"stats{number}"
            kseg("run", "--epoch", "0", "--input", script, "--stats", stats, "cms")
            data = json.loads(stats.read_text())
            runs.append((data["cycles"], data["instructions"], data["virtual_seconds"]))
        assert runs[0] == runs[1]

    def test_a_busy_guest_loses_nothing(self):
        lines = [f"echo line {number}" for number in range(60)]
        result = kseg("run", "cms", input="\n".join(["limit 1", "hog", *lines, "halt", ""]))
        assert result.returncode == 0
        for number in range(60):
            assert f"\nline {number}\n" in result.stdout

    def test_the_end_of_the_input_is_not_the_end_of_the_guest(self):
        result = kseg("run", "cms", input="sleep 2; echo late; halt\n")
        assert result.returncode == 0
        assert "\nlate\n" in result.stdout

    def test_a_guest_that_waits_for_ever(self):
        for feed in (None, "echo hello\n"):
            result = kseg("run", "cms", input=feed)
            assert result.returncode == 5
            assert result.stderr.startswith("kseg: the guest waits for input, but the input has")

    def test_a_guest_with_a_clock_that_waits_for_ever(self, ticking_kernel):
        result = kseg("run", "--idle-limit", "3", ticking_kernel)
        assert result.returncode == 5
        assert "the input has ended" in result.stderr

    def test_no_stdin_at_all(self):
        command = " ".join([*COMMAND, "run", "cms", "halt", "<&-"])
        result = subprocess.run(
            ["bash", "-c", command], capture_output=True, encoding="utf-8", env=environment(),
            check=False,
        )  # fmt: skip
        assert (result.returncode, result.stdout) == (0, BANNER)

    def test_a_conversation_over_a_pipe(self):
        guest = start("cms", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        read_until(guest, PROMPT)
        guest.stdin.write("echo hello\n")
        guest.stdin.flush()
        read_until(guest, "\nhello\n" + PROMPT)
        guest.stdin.close()
        assert guest.wait(20) == 5
        guest.stdout.close()

    def test_time_does_not_fly_while_a_pipe_is_open(self, ticking_kernel, tmp_path):
        stats = tmp_path / "stats"
        guest = start(
            "--stats", stats, ticking_kernel, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        time.sleep(1)
        guest.send_signal(signal.SIGTERM)
        guest.wait(20)
        guest.stdin.close()
        guest.stdout.close()
        assert json.loads(stats.read_text())["virtual_seconds"] < 3


def read_until(guest, text):
    """Read a child's output up to `text`."""
    seen = ""
    while not seen.endswith(text):
        character = guest.stdout.read(1)
        assert character, seen
        seen += character
    return seen


@pytest.fixture
def ticking_kernel(tmp_path):
    """A kernel that only waits, with a timer that ticks a hundred times a second."""
    path = tmp_path / "ticking"
    path.write_bytes(kernels.ticking())
    return path


class TestEnding:
    def test_a_cycle_limit(self):
        result = kseg("run", "--max-cycles", "3000000", "cms", "hog")
        assert result.returncode == 4
        assert result.stderr == "kseg: stopped after 3000000 cycles (--max-cycles)\n"

    def test_doom(self):
        result = kseg("run", "--doom", "3", "cms", "echo x > a:/x; halt")
        assert result.returncode == 3
        assert "DOOOOOOOOOOOM" in result.stderr

    def test_no_progress(self, tmp_path):
        (tmp_path / "k").write_bytes(kernels.spinning())
        result = kseg("run", "--progress", "1", tmp_path / "k")
        assert result.returncode == 1
        assert result.stderr.startswith(
            "kseg: Caution: no progress in 1 seconds\nkseg: No progress in 2 seconds\n"
        )

    def test_a_guest_that_breaks_the_hardware(self, tmp_path):
        (tmp_path / "k").write_bytes(kernels.misusing())
        result = kseg("run", "--no-report", tmp_path / "k")
        assert result.returncode == 1
        assert result.stderr.startswith("kseg: the guest did what its hardware does not survive, ")
        assert result.stderr.endswith(" on processor 0: Invalid power state\n")
        assert result.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("jr zero\nnop", "the boot ROM has no handler"),
            ("li t0, 0x9ff00000\njr t0\nnop", "the boot ROM has no handler"),
            ("li t0, 0xbfff7e40\nlw t1, 0(t0)\nb .\nnop", "the boot ROM has no handler"),
            ("li t0, 0x10000\nmtc0 t0, c0_status\nb .\nnop", "Status register write"),
            (TWO_OF_A_PAGE, "Duplicate TLB entries for vpage 1000"),
        ],
    )
    def test_a_guest_that_goes_astray(self, tmp_path, source, said):
        (tmp_path / "k").write_bytes(kernels.kernel(source))
        result = kseg("run", "--no-report", tmp_path / "k")
        assert result.returncode == 1
        assert said in result.stderr
        assert result.stderr.count("\n") == 1

    def test_a_guest_that_asks_for_a_debugger(self, tmp_path):
        (tmp_path / "k").write_bytes(kernels.panicking())
        result = kseg("run", tmp_path / "k")
        assert (result.returncode, result.stdout) == (1, "!")
        assert "kseg: trace: software-requested debugger stop\n" in result.stderr

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_signals_end_it_as_signals_do(self, number):
        guest = start("cms", "hog", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        read_until(guest, BANNER)
        guest.send_signal(number)
        assert guest.wait(20) == -number
        guest.stdout.close()

    def test_a_signal_also_ends_a_guest_that_waits(self):
        guest = start("cms", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        read_until(guest, PROMPT)
        guest.send_signal(signal.SIGTERM)
        assert guest.wait(20) == -signal.SIGTERM
        guest.stdin.close()
        guest.stdout.close()

    def test_an_ignored_signal_stays_ignored(self, tmp_path):
        (tmp_path / "k").write_bytes(kernels.spinning())
        command = " ".join([*COMMAND, "run", str(tmp_path / "k")])
        guest = subprocess.Popen(
            ["bash", "-c", f"trap '' HUP; exec {command}"],
            stdin=subprocess.DEVNULL,
            env=environment(),
        )
        time.sleep(1)
        guest.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            guest.wait(0.5)
        guest.kill()
        guest.wait()

    def test_a_reader_that_has_seen_enough(self):
        guest = start("cms", "primes 100000", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE)  # fmt: skip
        read_until(guest, "2\n3\n")
        guest.stdout.close()
        assert guest.wait(60) == 141
        assert guest.stderr.read() == ""
        guest.stderr.close()

    def test_a_full_disk_of_the_host(self):
        with Path("/dev/full").open("w") as full:
            guest = start(
                "cms", "halt", stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE
            )
            assert guest.wait(20) == 2
        assert guest.stderr.read() == "kseg: cannot write output: No space left on device\n"
        guest.stderr.close()


class TestStatistics:
    def test_on_stdout(self):
        result = kseg("run", "--stats", "-", "cms", "faults 20; halt")
        text = result.stdout.removeprefix(BANNER)
        data = json.loads(text[text.index("{") :])
        assert data["stop"]["reason"] == "power-off"
        assert data["engine"]["name"] == "translator"
        assert data["kernel"] == str(KERNEL)
        (processor,) = data["processors"]
        assert data["instructions"] == sum(processor["instructions"].values())
        assert processor["cycles"]["kernel"] >= processor["instructions"]["kernel"] > 0
        assert processor["exceptions"]["system_call"] > 0
        assert processor["tlb_misses"]["refill"] > 0
        assert data["devices"]["console_writes"] == len(result.stdout) - len(text) + text.index("{")
        assert data["cycles"]["total"] == data["cycles"]["run"] + data["cycles"]["idle"]
        assert data["virtual_seconds"] > 0
        assert data["wall_seconds"] > 0

    def test_in_a_file_of_every_processor(self, tmp_path):
        stats = tmp_path / "stats.json"
        kseg("run", "--cpus", "4", "--stats", stats, "cms", "halt")
        data = json.loads(stats.read_text())
        assert [each["number"] for each in data["processors"]] == [0, 1, 2, 3]

    def test_after_a_signal(self, tmp_path):
        stats = tmp_path / "stats.json"
        guest = start("--stats", str(stats), "cms", "hog", stdin=subprocess.DEVNULL,
                      stdout=subprocess.PIPE)  # fmt: skip
        read_until(guest, BANNER)
        guest.send_signal(signal.SIGTERM)
        guest.wait(20)
        guest.stdout.close()
        assert json.loads(stats.read_text())["stop"]["reason"] == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing"], "kernel nothing: no such file; give a path or a bundled name (cms"),
        ([__file__], "not an ELF executable"),
        (["--config", "nothing", "cms"], "cannot read configuration nothing"),
        (["--ram", "x", "cms"], "ram x: 'x' is not a size"),
        (["--ram", "3K", "cms"], "3072 is not a multiple of 4096"),
        (["--engine", "x", "cms"], "engine 'x': no such engine; there are auto, translator"),
        (["--disk", "nothing", "cms"], "create it with: kseg disk create"),
        (["--disk", __file__, "cms"], "not a System/161 disk image"),
        (["--share", "nothing", "cms"], "share nothing: no such directory"),
        (["--seed", "x", "cms"], "'--seed': x: give a number or auto"),
        (["--escape", "abc", "cms"], "'--escape': abc: give a control character"),
        (["--input", "nothing", "cms"], "input nothing: No such file or directory"),
        (["--input", "/", "cms"], "input /: is a directory"),
        (["--stats", "/nowhere/x", "cms", "halt"], "statistics /nowhere/x: No such file"),
    ],
)
def test_errors_are_one_line(arguments, text):
    result = kseg("run", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("kseg: ")
    assert text in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_locked_disk(tmp_path):
    image = tmp_path / "disk"
    disk_image.create(image, 5 << 20)
    with disk_image.DiskImage(image):
        result = kseg("run", "--disk", image, "cms")
    assert result.returncode == 2
    assert "in use by another machine" in result.stderr


@pytest.mark.slow
def test_an_unwritable_directory_for_generated_code():
    result = subprocess.run(
        [*COMMAND, "run", "cms", "halt"], capture_output=True, encoding="utf-8",
        env=environment(KSEG_CACHE_DIR="/proc/nowhere"), stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, BANNER)


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_closed_descriptors_are_not_taken_by_disk_images(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    kseg("disk", "create", "a.img", "5M", cwd=tmp_path)
    (tmp_path / "kernel").write_bytes(kernels.printing("text"))
    before = (tmp_path / "a.img").read_bytes()

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    ran = subprocess.run(
        [*COMMAND, "run", "--disk", "a.img", "--max-cycles", "1000000000", "kernel"],
        cwd=tmp_path, env=environment(), capture_output=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, preexec_fn=close,
    )  # fmt: skip
    assert ran.returncode == (2 if 1 in closed else 0)
    assert (tmp_path / "a.img").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--idle-limit", "nan", "cms"], "nan is not a number of seconds"),
        (["--idle-limit", "1e308", "cms"], "1e308 is not a number of seconds"),
        (["--ram", "9" * 5000, "cms"], "... is too large"),
        (["--ram", "0", "cms"], "ram 0: give a whole number from 1"),
        (["--config", "/dev/zero", "cms"], "more than 256K"),
        (["--stats", "/nonexistent/stats", "cms"], "statistics /nonexistent/stats: No such file"),
        (["--share", "/dev/null", "cms"], "/dev/null: not a directory"),
        ([""], "kernel '': no such file"),
        (["no\nsuch\x1b[31mfile"], r"kernel no such\x1b[31mfile: no such file"),
        (["/dev/zero"], "larger than 256M"),
    ],
)
def test_wrong_requests_are_one_line(arguments: list[str], said: str) -> None:
    ran = kseg("run", *arguments)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith("kseg: ")
    assert said in ran.stderr


@pytest.mark.slow
def test_a_cache_that_cannot_be_kept_is_a_warning_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(kernels.printing("text"))
    place = tmp_path / "cache"
    place.mkdir()
    place.chmod(0o777)
    ran = subprocess.run(
        [*COMMAND, "run", tmp_path / "kernel"],
        env=environment(KSEG_CACHE_DIR=str(place), KSEG_READY_MADE="0"),
        capture_output=True, encoding="utf-8", timeout=120, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "text")
    assert ran.stderr.startswith(f"kseg: warning: {place} can be written by others")
    assert ran.stderr.count("\n") == 1
    assert not list(place.iterdir())


class TestMonitors:
    @pytest.mark.parametrize("monitor", ["bare", "trap-and-emulate", "hybrid"])
    def test_the_guest_prints_the_same(self, monitor):
        result = kseg("run", "--monitor", monitor, "cms", "echo hello; faults 3; halt")
        expected = kseg("run", "cms", "echo hello; faults 3; halt")
        assert (result.returncode, result.stdout, result.stderr) == (0, expected.stdout, "")

    def test_a_kernel_in_the_window(self):
        result = kseg("run", "--monitor", "trap-and-emulate", "cms-kuseg", "echo hello; halt")
        assert (result.returncode, result.stdout) == (0, BANNER + "hello\n")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--monitor", "x", "cms"], "monitor 'x': no such monitor; there are bare, trap-and-"),
            (["--monitor", "", "cms"], "monitor '': no such monitor"),
            (["cms-kuseg", "halt"], "linked at 0x40000000, for a monitor"),
            (["--monitor", "hybrid", "--cpus", "2", "cms"], "a guest has one processor, not 2"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, arguments, said):
        result = kseg("run", *arguments)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith("kseg: ")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1

    def test_statistics(self, tmp_path):
        found = {}
        for monitor in ("bare", "trap-and-emulate", "hybrid"):
            stats = tmp_path / monitor
            kseg("run", "--epoch", "0", "--stats", stats, "--monitor", monitor, "cms", "halt")
            found[monitor] = json.loads(stats.read_text())
        bare = found.pop("bare")
        for data in found.values():
            for name in ("cycles", "instructions", "processors", "devices", "virtual_seconds"):
                assert data[name] == bare[name]
            monitored = data["monitor"]
            spent = data["processors"][0]["cycles"]
            executed = monitored["direct_cycles"] + monitored["emulated_cycles"]
            assert executed == spent["kernel"] + spent["user"]
        exits = {name: data["monitor"]["exits"] for name, data in found.items()}
        assert exits["trap-and-emulate"]["kernel_segment_fetch"] > 10_000
        assert "kernel_segment_fetch" not in exits["hybrid"]
        assert exits["hybrid"]["system_call"] == exits["trap-and-emulate"]["system_call"] > 0


def test_a_board_that_is_not_there() -> None:
    result = kseg("run", "--machine", "malta", "cms")
    assert (result.returncode, result.stderr) == (
        2,
        "kseg: machine malta: no such board; there are system161, decstation\n",
    )
