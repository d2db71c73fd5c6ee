"""How the tests are run: short or whole, from a terminal or in the background, leaving nothing.

A plain `pytest` is the short run, on all processors. `--all` adds the tests that are marked `slow`;
`-n0` keeps everything in one process, which starts sooner where few tests are asked for.
"""

import contextlib
import os
import signal
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHORT_MINUTES, WHOLE_MINUTES = 4, 15
"""What the two runs take on two cores at most."""

SESSION = "KSEG_TEST_SESSION"
"""Environment variable by which processes are recognised that a test has left behind."""

GRACE = 20.0
"""Seconds that processes may go on after the last test: compilers finish what is queued."""


# How long an example takes says more about the host than about kseg.
settings.register_profile("kseg", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kseg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests marked slow, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "slow(*values): left out of the short run, pytest --all has it; with values, only where one"
        " of them is a parameter of the test",
    )
    # A shell without job control starts what runs in the background with these two ignored, and
    # ignored signals are inherited: tests that send them to a child would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if not hasattr(config, "workerinput"):  # workers of pytest-xdist inherit it
        os.environ[SESSION] = uuid.uuid4().hex


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("all"):
        return f"kseg: all tests, up to {WHOLE_MINUTES} minutes on two cores"
    return f"kseg: the short run, up to {SHORT_MINUTES} minutes on two cores; all: pytest --all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests, except those that were asked for by name."""
    if config.getoption("all") or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if _is_slow(item)]
    if slow:
        config.hook.pytest_deselected(items=slow)
        left_out = set(slow)
        items[:] = [item for item in items if item not in left_out]


def _is_slow(item: pytest.Item) -> bool:
    parameters = list(item.callspec.params.values()) if hasattr(item, "callspec") else []
    return any(
        not mark.args or any(value in parameters for value in mark.args)
        for mark in item.iter_markers("slow")
    )


def _left_behind() -> dict[int, str]:
    """Processes of this session other than the ones that run the tests: number, command line."""
    mark = f"{SESSION}={os.environ[SESSION]}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if mark in (process / "environ").read_bytes().split(b"\0") and command:
                found[int(process.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where tests have left a process running. Not seen where there is no /proc."""
    if hasattr(session.config, "workerinput"):
        return  # the process that started the workers looks for all of them
    deadline = time.monotonic() + GRACE
    while (left := _left_behind()) and time.monotonic() < deadline:
        time.sleep(0.1)
    for number, command in left.items():
        print(f"\nleft behind by a test, and killed: {number}: {command}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    if left:
        session.exitstatus = max(int(session.exitstatus), pytest.ExitCode.TESTS_FAILED)
