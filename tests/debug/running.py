"""`kseg run --gdb` as a process, and the smallest of clients."""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from kseg.debug.packets import Reader, packet
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
    with listening("run", "--gdb", address or str(directory / "socket"), *options, path) as found:
        yield found


@contextmanager
def listening(*arguments: str | Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A `kseg` that expects gdb; the process, and the address to connect to."""
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        env=environment(),
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"target remote (\S+)", line)
        assert found is not None, line
        assert "set endian big" in line
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stderr):
            if stream is not None:
                stream.close()
