"""The consoles of many guests on one output: switched, line by line, or in files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from kseg.cli.output import Output
from kseg.errors import KsegError

MOST_REMEMBERED = 1 << 16
"""Bytes of the last output of a guest that is not visible."""

LONGEST_LINE = 1 << 12
"""Bytes of a line that has not ended, before it is ended for the guest."""

RESET = b"\x18\x1b[!p"
"""Ends an unfinished escape sequence and undoes colours and modes: a terminal is not to show one
guest's output in the way another has left it."""


class Consoles(Protocol):
    """Where what guests print goes. One thread uses it."""

    def printed(self, name: str, data: bytes) -> None:
        """A guest printed something."""
        ...

    def message(self, text: str) -> None:
        """The machine has something to say, in a line of its own."""
        ...

    def pulse(self, resting: bool) -> None:
        """Write what has waited for long enough; all of it when every guest is `resting`."""
        ...

    def finish(self) -> None:
        """Nothing more will come."""
        ...


class PrefixedLines:
    """Each line with its guest's name before it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._open: dict[str, bytearray] = {}

    def printed(self, name: str, data: bytes) -> None:
        line = self._open.setdefault(name, bytearray())
        line += data
        if b"\n" not in data and len(line) < LONGEST_LINE:
            return
        *complete, rest = bytes(line).split(b"\n")
        if len(rest) >= LONGEST_LINE:
            complete.append(rest)
            rest = b""
        self._open[name] = bytearray(rest)
        prefix = name.encode() + b": "
        self._output.console(b"".join(prefix + each + b"\n" for each in complete))

    def message(self, text: str) -> None:
        self._output.message(text)

    def pulse(self, resting: bool) -> None:
        self._output.pulse(resting)

    def finish(self) -> None:
        """Lines that have not ended, a prompt for example, are shown too."""
        for name, line in self._open.items():
            if line:
                self._output.console(name.encode() + b": " + bytes(line) + b"\n")
                line.clear()
        self._output.flush()


class Files:
    """Each guest's output in a file of its own, as it is."""

    def __init__(self, directory: str, names: list[str], output: Output) -> None:
        """The files are DIRECTORY/NAME; KsegError when one cannot be made."""
        self._output = output
        self._files: dict[str, BinaryIO] = {}
        try:
            Path(directory).mkdir(exist_ok=True)
            for name in names:
                self._files[name] = (Path(directory) / name).open("wb")
        except (OSError, ValueError) as error:
            for file in self._files.values():
                file.close()
            text = error.strerror if isinstance(error, OSError) else str(error)
            raise KsegError(f"output {directory}: {text}; name a directory to write to") from None

    def printed(self, name: str, data: bytes) -> None:
        with _writing(name):
            self._files[name].write(data)

    def message(self, text: str) -> None:
        self._output.message(text)

    def pulse(self, resting: bool) -> None:
        if resting:
            for name, file in self._files.items():
                with _writing(name):
                    file.flush()

    def finish(self) -> None:
        with ExitStack() as all_of_them:
            for name, file in self._files.items():
                all_of_them.enter_context(_writing(name))
                all_of_them.callback(file.close)


@contextmanager
def _writing(name: str) -> Iterator[None]:
    """Says whose output it is that cannot be written."""
    try:
        yield
    except OSError as error:
        raise KsegError(f"cannot write output of {name}: {error.strerror}") from None


class Switch:
    """One guest's console at a time. What the others print is remembered until they are shown."""

    def __init__(self, names: list[str], output: Output) -> None:
        """The first of the `names` is visible."""
        self.names = names
        self.visible = 0
        """The number, from 0, of the guest that is shown and typed for."""
        self._output = output
        output.shows_again, output.clears = False, True
        self._line = {name: bytearray() for name in names}
        """What a guest has printed of its last line, and was seen."""
        self._unseen = {name: bytearray() for name in names}
        self._held: list[Callable[[], None]] | None = None

    def printed(self, name: str, data: bytes) -> None:
        if self._held is None and name == self.names[self.visible]:
            self._output.console(data)
            self._seen(name, data)
            return
        unseen = self._unseen[name]
        unseen += data
        if len(unseen) > MOST_REMEMBERED:
            del unseen[:-MOST_REMEMBERED]
            # An escape sequence or a character must not begin in its middle.
            del unseen[: unseen.find(b"\n") + 1]
            self._line[name].clear()

    def message(self, text: str) -> None:
        if self._held is not None:
            self._held.append(lambda: self._output.message(text))
            return
        self._output.message(text)
        self._show_open_line()

    def show(self, number: int) -> None:
        """Make a guest visible, with what it has printed since it last was."""
        self.visible = number
        if self._held is None:
            self._show()

    def hold(self) -> None:
        """Something else is on the terminal now."""
        if self._held is None:
            self._output.flush()
            self._held = []

    def release(self) -> None:
        """The terminal is the guests' again."""
        held, self._held = self._held or [], None
        for message in held:
            message()
        self._show()

    @property
    def held(self) -> bool:
        """Whether something else is on the terminal."""
        return self._held is not None

    def pulse(self, resting: bool) -> None:
        if self._held is None:
            self._output.pulse(resting)

    def finish(self) -> None:
        self._output.flush()

    def _show(self) -> None:
        name = self.names[self.visible]
        self._output.finish_line()
        self._output.console(RESET + f"--- {self.visible + 1}: {name} ---\n".encode())
        self._show_open_line()
        unseen = self._unseen[name]
        if unseen:
            data = bytes(unseen)
            unseen.clear()
            self._output.console(data)
            self._seen(name, data)
        self._output.flush()

    def _show_open_line(self) -> None:
        """After something else was written: the prompt, say, that the guest has left open."""
        line = self._line[self.names[self.visible]]
        if line:
            self._output.console(bytes(line))

    def _seen(self, name: str, data: bytes) -> None:
        line = self._line[name]
        line += data
        del line[: line.rfind(b"\n") + 1]
        if len(line) > LONGEST_LINE:
            line.clear()
