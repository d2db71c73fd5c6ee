"""`kseg run --gdb` as a process, and the smallest of clients."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from kseg.gdb.packets import Reader, packet
from tests.cli.command import COMMAND, environment
from tests.cli.kernels import kernel

SECONDS = 60


class Client:
    """Speaks the protocol, without acknowledgements."""

    def __init__(self, address: str) -> None:
        if ":" in address:
            host, port = address.split(":")
            self.stream = socket.create_connection((host, int(port)), SECONDS)
        else:
            self.stream = socket.socket(socket.AF_UNIX)
            self.stream.settimeout(SECONDS)
            self.stream.connect(address)
        self._reader = Reader()
        self._found: list[bytes] = []

    def hello(self) -> None:
        """Do without acknowledgements."""
        assert self.ask("QStartNoAckMode") == "OK"

    def send(self, data: str) -> None:
        self.stream.sendall(packet(data.encode()))

    def interrupt(self) -> None:
        self.stream.sendall(b"\x03")

    def receive(self) -> str:
        """The data of the next packet."""
        while not self._found:
            received = self.stream.recv(65536)
            if not received:
                raise EOFError
            self._found += [each for each in self._reader.feed(received) if isinstance(each, bytes)]
        return self._found.pop(0).decode()

    def ask(self, data: str) -> str:
        self.send(data)
        return self.receive()

    def command(self, line: str) -> str:
        """What a `monitor` command says."""
        return bytes.fromhex(self.ask("qRcmd," + line.encode().hex())).decode()

    def register(self, number: int) -> int:
        return int(self.ask(f"p{number:x}"), 16)

    def cycles(self) -> int:
        return int(self.command("cycles").split()[0])

    def close(self) -> None:
        self.stream.close()

    def __enter__(self) -> "Client":
        self.hello()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def debugged(
    directory: Path, source: str, *options: str, address: str = ""
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A guest that runs with `--gdb`; the process, and the address to connect to."""
    path = directory / "guest.elf"
    path.write_bytes(kernel(source))
    address = address or str(directory / "socket")
    with listening("run", "--gdb", address, *options, str(path)) as (process, line):
        assert "set endian big" in line
        yield process, _address(line)


@contextmanager
def hosted(
    directory: Path, sources: dict[str, str], *options: str, wait: bool = True
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Guests of `kseg host --gdb`, by their names."""
    guests = []
    for name, source in sources.items():
        path = directory / f"{name}.elf"
        path.write_bytes(kernel(source))
        guests += ["--guest", f"{name}={path}"]
    address = str(directory / "socket")
    given = ["host", "--gdb", address, *["--wait"] * wait, "--idle-limit", "0", *options, *guests]
    with listening(*given) as (process, line):
        yield process, _address(line)


def _address(line: str) -> str:
    found = re.search(r"target (?:extended-)?remote (\S+)", line)
    assert found is not None, line
    return found[1]


@contextmanager
def listening(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process, and the first line that it has to say."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment(),
    )
    try:
        assert process.stderr is not None
        yield process, process.stderr.readline()
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stderr):
            if stream is not None:
                stream.close()
