"""Signals: whose they are while something runs, and after it."""

import os
import signal
import subprocess
import sys
from types import FrameType

from kseg.platform import signals


def test_handlers_are_there_for_a_while() -> None:
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    try:
        with signals.handled({signal.SIGUSR1: note, signal.SIGUSR2: note}):
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGUSR2)
        assert seen == [signal.SIGUSR1]
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGUSR2, before)


def ends_with(program: str) -> int:
    """How a process ends that does this."""
    begin = "from kseg.platform import signals; import os, time\n"
    return subprocess.run([sys.executable, "-c", begin + program], check=False).returncode


def test_ends() -> None:
    assert ends_with("signals.die_of(15)") == -15
    assert ends_with("signals.end_after(1); time.sleep(60)") == -signal.SIGALRM
    assert ends_with("signals.end_after(1); signals.end_after(0)") == 0
    assert ends_with("signals.ignore(*signals.ENDING); os.kill(os.getpid(), 15)") == 0


def test_what_stops_a_job_goes_on_and_is_handled_again() -> None:
    program = """
import subprocess
def stop(*_): print("never")
go_on = subprocess.Popen(["sh", "-c", f"sleep 0.2; kill -CONT {os.getpid()}"])
signals.stop_as_if_unhandled(stop)
go_on.wait()
import signal
assert signal.getsignal(signals.STOP) is stop
"""
    assert ends_with(program) == 0
