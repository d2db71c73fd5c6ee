"""`kseg sys161` behaves as System/161 does (its manual, and observation)."""

import os
import re
from pathlib import Path

import pytest

from kseg.api.guests import find_guest
from kseg.machine.disk_image import create
from kseg.version import __version__
from tests.cli import kernels
from tests.cli.command import kseg

BANNER = f"sys161: System/161 compatible, kseg {__version__}\n"
CONFIGURATION = """
0 serial
28 random
29 timer
30 trace
31 mainboard ramsize=4M cpus=1
"""


@pytest.fixture
def place(tmp_path):
    """A directory with a configuration and kernels."""
    (tmp_path / "sys161.conf").write_text(CONFIGURATION)
    (tmp_path / "cms").write_bytes(find_guest("cms").path.read_bytes())
    for kernel in (kernels.breaking, kernels.misusing, kernels.panicking, kernels.spinning):
        (tmp_path / kernel.__name__).write_bytes(kernel())
    (tmp_path / "printing").write_bytes(kernels.printing("hello"))
    return tmp_path


def test_statistics_after_a_power_off(place):
    result = kseg("sys161", "printing", cwd=place)
    assert result.returncode == 0
    assert result.stdout == "hello\n"
    lines = result.stderr.splitlines()
    assert lines[0] + "\n" == BANNER
    for line, pattern in zip(
        lines[1:],
        [
            r"(\d+) cycles \((\d+) run, (\d+) global-idle\)",
            r"  cpu0: (\d+) kern, (\d+) user, (\d+) idle; \d+ ll, \d+/\d+ sc, \d+ sync",
            r"\d+ irqs \d+ exns 0r/0w disk 0r/5w console 0r/0w/0m emufs 0r/0w net",
            r"Elapsed real time: \d+\.\d{6} seconds \([\d.e+]+ mhz\)",
            r"Elapsed virtual time: \d+\.\d{9} seconds \(25 mhz\)",
        ],
        strict=True,
    ):
        assert re.fullmatch(f"sys161: {pattern}", line), line


def test_every_processor_has_a_line(place):
    result = kseg("sys161", "-C", "31:cpus=3", "printing", cwd=place)
    assert re.findall(r"cpu(\d):", result.stderr) == ["0", "1", "2"]


def test_the_boot_string(place):
    result = kseg("sys161", "-X", "cms", "echo", "-c", "x;", "halt", cwd=place)
    assert "\n-c x\n" in result.stdout


def test_options_stick_together(place):
    (place / "other").write_text(CONFIGURATION.replace("4M", "2M"))
    result = kseg("sys161", "-Xcother", "-C31:ramsize=1M", "cms", "halt", cwd=place)
    assert result.stdout.startswith("cms 1.0 (1024 kB, 1 CPU)\n")


class TestWithX:
    def test_a_debugger_stop_goes_on(self, place):
        result = kseg("sys161", "-X", "panicking", cwd=place)
        assert (result.returncode, result.stdout) == (1, "!\n")
        assert result.stderr.startswith(
            f"{BANNER}sys161: trace: software-requested debugger stop\n"
            "sys161: Not waiting for debugger...\n"
        )
        assert " cycles (" in result.stderr

    def test_a_fatal_error(self, place):
        result = kseg("sys161", "-X", "misusing", cwd=place)
        assert result.returncode == 1
        assert result.stderr == (
            f"{BANNER}sys161: Invalid power state\n"
            "sys161: You did something the hardware didn't like.\n"
            "sys161: In real life the machine would hang for no apparent reason,\n"
            "sys161: or maybe start to act strangely.\n"
            "sys161: Exiting instead of waiting for debugger...\n"
        )

    def test_no_progress(self, place):
        result = kseg("sys161", "-X", "-Z", "2", "spinning", cwd=place)
        assert result.returncode == 1
        assert result.stderr == (
            f"{BANNER}sys161: Caution: no progress in 2 seconds\n"
            "sys161: No progress in 4 seconds; dropping to debugger\n"
            "sys161: Exiting instead of waiting for debugger...\n"
        )


def test_doom(place):
    (place / "sys161.conf").write_text(CONFIGURATION + "2 disk memory size=5M\n")
    result = kseg("sys161", "-X", "-D2", "cms", "format a:; halt", cwd=place)
    assert result.returncode == 3
    assert result.stderr == BANNER + "sys161: DOOOOOOOOOOOM\n"


def test_one_stream_for_both(place):
    import subprocess

    from tests.cli.command import COMMAND, environment

    result = subprocess.run(
        [*COMMAND, "sys161", "-X", "panicking"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", cwd=place, env=environment(), check=False,
    )  # fmt: skip
    assert result.stdout.startswith(f"{BANNER}!\nsys161: trace: software-requested")


def test_a_pipe_is_read(place):
    result = kseg("sys161", "-X", "cms", input="echo typed\nhalt\n", cwd=place)
    assert result.returncode == 0
    assert "\ntyped\n" in result.stdout


def test_input_that_has_ended(place):
    result = kseg("sys161", "-X", "cms", cwd=place)
    assert result.returncode == 5
    assert result.stderr == f"{BANNER}sys161: the guest waits for input, but the input has ended\n"


def test_options_that_system161_has_not(place):
    words = ("--engine", "interpreter", "--quantum", "1000", "--pace", "fast", "printing")
    result = kseg("sys161", "-X", "-C31:cpus=2", *words, cwd=place)
    assert (result.returncode, result.stdout) == (0, "hello\n")
    result = kseg("sys161", "-X", "--engine", "steam", "printing", cwd=place)
    assert result.returncode == 2
    assert result.stderr.startswith("sys161: engine 'steam': no such engine")


def test_w_gives_way_to_x(place):
    result = kseg("sys161", "-wX", "printing", cwd=place)
    assert result.stderr.startswith(f"{BANNER}sys161: Not waiting for debugger...\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-Z1", "cms"], "sys161: Invalid timeout (must be at least 2)"),
        (["-cnothing", "cms"], "sys161: cannot read configuration nothing"),
        (["-C5:x", "cms"], "sys161: -C 5:x: no device in slot 5"),
        (["-Cx", "cms"], "sys161: -C x: expected SLOT:ARGUMENT"),
        (["nothing"], "sys161: kernel nothing: no such file"),
        ([], "kseg: Missing argument 'KERNEL'"),
        (["-q", "cms"], "kseg: No such option"),
    ],
)
def test_errors(place, arguments, text):
    result = kseg("sys161", *arguments, cwd=place)
    assert result.returncode == 2
    assert result.stderr.startswith(text)
    assert result.stderr.count("\n") == 1


def test_a_kernel_of_os161():
    """Set KSEG_OS161 to an OS/161 root directory with a kernel and a sys161.conf."""
    root = os.environ.get("KSEG_OS161")
    if not root or not (Path(root) / "kernel").exists():
        pytest.skip("KSEG_OS161 does not name an OS/161 root directory")
    result = kseg("sys161", "-X", "kernel", "q", cwd=Path(root))
    assert result.returncode == 0
    assert "The system is halted.\n" in result.stdout


def test_an_overlay_leaves_images_alone(place):
    create(place / "d.img", 5 << 20)
    with (place / "sys161.conf").open("a") as file:
        file.write("2 disk file=d.img\n3 disk file=new.img size=5M\n")
    before = (place / "d.img").read_bytes()
    result = kseg("sys161", "-X", "--overlay", "cms", "format a:; mkdir x; ls; halt", cwd=place)
    assert result.returncode == 0
    assert "x/" in result.stdout
    assert (place / "d.img").read_bytes() == before
    assert not (place / "new.img").exists()
