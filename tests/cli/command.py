"""Running `kseg` as its users do: as a process."""

import fcntl
import os
import resource
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

COMMAND = [sys.executable, "-m", "kseg"]

PROMPT = "cms> "


def environment(**changes: str) -> dict[str, str]:
    """The environment for a child: as ours, with warnings as errors no business of its."""
    return {**os.environ, "PYTHONWARNINGS": "", "COLUMNS": "100", **changes}


def kseg(
    *arguments: str | Path,
    input: str | None = None,  # noqa: A002 - as subprocess has it
    cwd: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `input` None is an empty stdin (the null device)."""
    feed: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="latin-1",
        cwd=cwd,
        env=environment(),
        timeout=timeout,
        check=False,
        **feed,
    )


def forked(
    *arguments: str | Path,
    input: str = "",  # noqa: A002 - as subprocess has it
    cwd: Path | None = None,
    file_size: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same in a fork of this process, which has imported everything already: for commands of
    which a test needs many, with little output. `file_size` is the most bytes that a file may
    have: a full disk."""
    pipes = [os.pipe() for _ in range(3)]
    for reading, _ in pipes:
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 1 << 20)
    (feed, feeding), (reading_out, out), (reading_err, err) = pipes
    os.write(feeding, input.encode("latin-1"))
    os.close(feeding)
    child = os.fork()
    if child == 0:
        _become([str(argument) for argument in arguments], (feed, out, err), cwd, file_size)
    for descriptor in (feed, out, err):
        os.close(descriptor)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for descriptor in (reading_out, reading_err):
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is a descriptor
            texts.append(file.read().decode("latin-1"))
    return subprocess.CompletedProcess(arguments, status, *texts)


def _become(
    arguments: list[str], files: tuple[int, ...], cwd: Path | None, file_size: int | None
) -> NoReturn:
    code: object = 99
    try:
        from kseg.cli import main

        for descriptor, file in enumerate(files):
            os.dup2(file, descriptor)
        sys.stdin, sys.stdout, sys.stderr = (
            open(n, "r" if n == 0 else "w", closefd=False)  # noqa: SIM115
            for n in range(3)
        )
        os.environ.update(environment())
        os.chdir(cwd or ".")
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        sys.argv = ["kseg", *arguments]
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0)
