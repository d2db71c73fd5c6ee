"""The console on a terminal: raw while a guest has it, and given back whatever happens."""

import os
import signal
import sys
import termios
import time

import pexpect
import pytest

from kseg.api.guests import find_guest
from tests.cli import kernels
from tests.cli.command import COMMAND, PROMPT, environment
from tests.gdb.running import Client

TIMEOUT = 30
CONTROL_A, CONTROL_C, CONTROL_G = "\x01", "\x03", "\x07"


def spawn(*arguments, command=COMMAND, cwd=None, **changes):
    return pexpect.spawn(
        command[0], [*command[1:], *map(str, arguments)], encoding="utf-8", timeout=TIMEOUT,
        env=environment(**changes), cwd=cwd,
    )  # fmt: skip


def settings(child):
    return termios.tcgetattr(child.child_fd)


def finish(child):
    """The exit code, or minus the signal's number."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus if child.signalstatus is None else -child.signalstatus


@pytest.fixture
def guest():
    """cms at its prompt, and the terminal's settings before."""
    child = spawn("run", "cms")
    before = settings(child)
    child.expect(PROMPT)
    yield child, before
    child.close(force=True)


def test_raw_while_it_runs(guest):
    child, before = guest
    raw = settings(child)
    assert before[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    assert not raw[3] & (termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    assert not raw[0] & (termios.ICRNL | termios.IXON)
    assert raw[1] == before[1]
    child.send("halt\r")
    assert finish(child) == 0


def test_a_snapshot_by_a_key(tmp_path):
    child = spawn("run", "cms", cwd=tmp_path)
    child.expect(PROMPT)
    child.send(CONTROL_A + "s")
    child.expect(r"kseg: saved at cycle \d+: (cms-\d+\.kseg)\r\n")
    name = child.match[1]
    child.send("halt\r")
    assert finish(child) == 0
    child = spawn("run", "--from", name, cwd=tmp_path)
    child.send("echo on it goes\r")
    child.expect("on it goes\r\n.*on it goes\r\n")
    child.send(CONTROL_A + "x")
    assert finish(child) == 0


def test_keys_work_while_a_debugger_lets_it_stand(tmp_path, monkeypatch):
    child = spawn("run", "--gdb", "socket", "cms", cwd=tmp_path)
    child.expect(PROMPT)
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with Client("socket") as client:
        stands = client.cycles()
        child.send(CONTROL_A + "s")
        child.expect(rf"kseg: saved at cycle {stands}: (cms-{stands}\.kseg)\r\n")
        assert client.cycles() == stands
        child.send(CONTROL_A + "x")
        assert finish(child) == 0


def in_shell(*words):
    """A shell on a terminal that runs a kseg command and then tells the terminal's settings."""
    child = spawn("--norc", "-i", command=["bash"], PS1="$ ", BASH_SILENCE_DEPRECATION_WARNING="1")
    child.expect(r"\$ ")
    child.sendline("stty -a | md5sum; echo re''ady")
    child.expect(r"([0-9a-f]{32}).*ready")
    digest = child.match[1]
    child.expect(r"\$ ")
    child.sendline(" ".join([*COMMAND, *words]))
    return child, digest


def after(child):
    """(exit code, digest of the terminal's settings), once the shell is back."""
    child.expect(r"\$ ")
    child.sendline("echo code=$?; stty -a | md5sum; echo do''ne")
    child.expect(r"code=(\d+).*?([0-9a-f]{32}).*done")
    code, digest = int(child.match[1]), child.match[2]
    child.close(force=True)
    return code, digest


def child_of(shell):
    """The process that the shell runs."""
    children = f"/proc/{shell.pid}/task/{shell.pid}/children"
    with open(children) as file:  # noqa: PTH123 - a file of the kernel's
        return int(file.read().split()[0])


def test_restored_after_a_power_off():
    shell, before = in_shell("run", "cms")
    shell.expect(PROMPT)
    shell.send("halt\r")
    assert after(shell) == (0, before)


def test_control_a_x_leaves():
    shell, before = in_shell("run", "cms")
    shell.expect(PROMPT)
    shell.send(CONTROL_A + "x")
    assert after(shell) == (0, before)


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "QUIT"])
@pytest.mark.parametrize("command", ["", "hog"])
def test_restored_after_a_signal(name, command):
    number = getattr(signal, f"SIG{name}")
    shell, before = in_shell("run", "cms", command)
    shell.expect("cms 1.0" if command else PROMPT)
    time.sleep(0.2)
    os.kill(child_of(shell), number)
    assert after(shell) == (128 + number, before)


def test_restored_after_a_defect(tmp_path):
    (tmp_path / "broken.py").write_text(
        "import sys\n"
        "from kseg.devices.serial import Serial\n"
        "def receive(self, data): raise RuntimeError('a defect')\n"
        "Serial.receive = receive\n"
        "sys.argv = ['kseg', 'run', 'cms']\n"
        "from kseg.cli import main\n"
        "main()\n"
    )
    shell, before = in_shell("--version; ", sys.executable, str(tmp_path / "broken.py"))
    shell.expect(PROMPT)
    shell.send("x")
    shell.expect("a defect")  # Python 3.13 colours what stands before
    code, digest = after(shell)
    assert code != 0
    assert digest == before


def test_stopped_and_continued():
    shell, before = in_shell("run", "cms")
    shell.expect(PROMPT)
    os.kill(child_of(shell), signal.SIGTSTP)
    shell.expect("Stopped")
    shell.sendline("stty -a | md5sum; echo do''ne")
    shell.expect(r"([0-9a-f]{32}).*done")
    assert shell.match[1] == before
    shell.sendline("fg")
    time.sleep(0.3)
    shell.send("echo still here\r")
    shell.expect("\nstill here")
    shell.expect(PROMPT)
    shell.send(CONTROL_A + "z")
    shell.expect("Stopped")
    shell.sendline("fg")
    time.sleep(0.3)
    shell.send("halt\r")
    assert after(shell) == (0, before)


def test_started_in_the_background():
    shell, before = in_shell("run", "cms", "&")
    shell.expect(r"\$ ")
    time.sleep(0.5)
    shell.sendline("echo shell is al''ive; fg")
    shell.expect("shell is alive")
    time.sleep(0.5)
    shell.send("halt\r")
    assert after(shell) == (0, before)


class TestKeys:
    def test_enter_and_echo_are_the_guests(self, guest):
        child, _ = guest
        child.send("echo one two\r")
        child.expect("echo one two\r\none two\r\n")

    def test_control_c_goes_to_the_guest(self, guest):
        child, _ = guest
        child.send("hog\r")
        child.expect("hog\r\n")
        time.sleep(0.3)
        child.send(CONTROL_C)
        child.expect(PROMPT)

    def test_the_list_of_keys(self, guest):
        child, _ = guest
        child.send(CONTROL_A + "h")
        child.expect("Ctrl-A x +leave")

    def test_the_prompt_stays_the_last_line(self, guest):
        """A message takes the place of the line that the guest has left open, and that follows."""
        child, _ = guest
        child.send("echo hi")
        child.expect("echo hi")
        child.send(CONTROL_A + "h")
        for _ in range(7):
            child.expect_exact("\r\x1b[Kkseg: ")
            child.expect_exact("\r\ncms> echo hi")
        child.send("\r")
        child.expect_exact("\r\nhi\r\n" + PROMPT)

    def test_what_the_threads_do(self, guest):
        child, _ = guest
        child.send(CONTROL_A + "w")
        child.expect('kseg: thread "shell" of process 1: sleeping')
        child.send("\r")
        child.expect(PROMPT)

    def test_the_escape_key_itself(self, guest):
        child, _ = guest
        # In cms's line editor, Ctrl-A goes to the line's beginning.
        child.send("cho hi" + CONTROL_A + CONTROL_A + "e\r")
        child.expect("\nhi\r\n")

    def test_another_escape_key(self):
        child = spawn("run", "--escape", "^]", "cms")
        child.expect(PROMPT)
        child.send("cho hi" + CONTROL_A + "e\r")
        child.expect("\nhi\r\n")
        child.expect(PROMPT)
        child.send("\x1dx")
        assert finish(child) == 0

    def test_no_escape_key(self):
        child = spawn("run", "--escape", "none", "cms")
        child.expect(PROMPT)
        child.send("cho x" + CONTROL_A + "e\r")
        child.expect("\nx\r\n")
        child.expect(PROMPT)
        child.send("halt\r")
        assert finish(child) == 0


class TestPace:
    def elapsed(self, *options):
        child = spawn("run", *options, "cms", "sleep 2; halt")
        child.expect("cms 1.0")
        started = time.monotonic()
        assert finish(child) == 0
        return time.monotonic() - started

    def test_a_second_lasts_a_second_on_a_terminal(self):
        assert 1.5 < self.elapsed() < 6

    def test_unless_told_otherwise(self):
        assert self.elapsed("--pace", "fast") < 1.5


class TestSystem161:
    @pytest.fixture
    def place(self, tmp_path):
        (tmp_path / "sys161.conf").write_text(
            "0 serial\n28 random\n29 timer\n30 trace\n31 mainboard ramsize=4M\n"
        )
        (tmp_path / "cms").write_bytes(find_guest("cms").path.read_bytes())
        (tmp_path / "panicking").write_bytes(kernels.panicking())
        return tmp_path

    def test_control_c_ends_it(self, place):
        child = spawn("sys161", "cms", cwd=place)
        child.expect(PROMPT)
        child.send(CONTROL_C)
        assert finish(child) == -signal.SIGINT

    def test_or_goes_to_the_guest(self, place):
        child = spawn("sys161", "-s", "cms", cwd=place)
        child.expect(PROMPT)
        child.send("hog\r")
        child.expect("hog\r\n")
        time.sleep(0.3)
        child.send(CONTROL_C)
        child.expect(PROMPT)
        child.send("halt\r")
        assert finish(child) == 0

    def test_control_g_with_x(self, place):
        child = spawn("sys161", "-X", "cms", cwd=place)
        child.expect(PROMPT)
        child.send(CONTROL_G)
        child.expect("sys161: Not waiting for debugger...\r\n")
        child.send("halt\r")
        assert finish(child) == 0

    def test_control_g_without(self, place, monkeypatch):
        child = spawn("sys161", "cms", cwd=place)
        child.expect(PROMPT)
        child.send(CONTROL_G)
        child.expect("sys161: Waiting for debugger connection...\r\n")
        monkeypatch.chdir(place)  # a socket's path must be short
        with Client(".sockets/gdb") as client:
            assert client.ask("?") == "T05thread:1;"
            client.send("c")
            child.send(CONTROL_G)
            assert client.receive() == "T05thread:1;"
            client.send("k")
            assert finish(child) == 3

    def test_control_c_ends_the_waiting(self, place):
        child = spawn("sys161", "-w", "cms", cwd=place)
        child.expect("sys161: Waiting for debugger connection...\r\n")
        child.send(CONTROL_C)
        assert finish(child) == -signal.SIGINT

    def test_messages_begin_on_their_own_line(self, place):
        child = spawn("sys161", "-X", "panicking", cwd=place)
        child.expect("!\r\nsys161: trace: software-requested debugger stop\r\n")
        assert finish(child) == 1


class TestATerminalThatIsHungUp:
    """A run that SIGHUP does not end, as `nohup` or a shell's `trap "" HUP` has it."""

    @staticmethod
    def hang_up(tmp_path, words):
        command = " ".join([*COMMAND, *map(str, words)])
        script = f"trap '' HUP; {command} >out 2>err; echo $? >code"
        child = spawn("-c", script, command=["bash"], cwd=tmp_path)
        deadline = time.monotonic() + TIMEOUT
        while b"> " not in (tmp_path / "out").read_bytes() if (tmp_path / "out").exists() else True:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.close(child.child_fd)
        child.closed, child.child_fd = True, -1
        while not (tmp_path / "code").exists() or not (tmp_path / "code").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int((tmp_path / "code").read_text()), (tmp_path / "err").read_text()

    def test_run(self, tmp_path):
        code, said = self.hang_up(tmp_path, ["run", "cms"])
        assert code == 5
        assert "the guest waits for input, but the input has ended" in said

    def test_sys161(self, tmp_path):
        (tmp_path / "sys161.conf").write_text(
            "0 serial\n28 random\n29 timer\n30 trace\n31 mainboard ramsize=4M cpus=1\n"
        )
        (tmp_path / "cms").write_bytes(find_guest("cms").path.read_bytes())
        code, said = self.hang_up(tmp_path, ["sys161", "-X", "cms"])
        assert code == 5
        assert "the guest waits for input, but the input has ended" in said

    def test_a_guest_that_works_goes_on(self, tmp_path):
        (tmp_path / "kernel").write_bytes(
            kernels.kernel(f"""
                li      t0, {kernels.SERIAL:#x}
                li      t1, '>'
                sw      t1, 0(t0)
1:              lw      t1, 4(t0)
                nop
                beqz    t1, 1b
                li      t1, ' '
                sw      t1, 0(t0)
                li      t2, 400000000
2:              bgtz    t2, 2b
                addiu   t2, t2, -1
                {kernels.POWER_OFF}
            """)
        )
        code, _said = self.hang_up(tmp_path, ["run", "./kernel"])
        assert code == 0


def test_a_trace_can_be_left_too(tmp_path):
    shell, before = in_shell("trace", "-o", str(tmp_path / "trace"), "cms")
    shell.expect(PROMPT)
    shell.send(CONTROL_A + "x")
    assert after(shell) == (0, before)
