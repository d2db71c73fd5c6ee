"""What parameters take: how a value is read, what is wrong with it, and how a shell completes it.

What completes a value is looked up when a shell asks: kseg starts without knowing it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kseg.cli.file_kinds import check_kind
from kseg.cli.lazy_click import Type

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    Items = list[CompletionItem[Any]]

Named = Callable[[], Iterable[str]]
"""Names, or a mapping from names to what they are."""

MOST_SECONDS = 1e9


class Text(Type):
    """A text for which nothing can be suggested. `metavar` stands for it in the help."""

    def __init__(self, metavar: str) -> None:
        self.name = metavar

    def suggestions(self, incomplete: str) -> "Items":  # noqa: ARG002
        """What it may be that begins so."""
        return []

    def shell_complete(
        self,
        ctx: "click.Context",  # noqa: ARG002
        param: "click.Parameter",  # noqa: ARG002
        incomplete: str,
    ) -> "Items":
        return self.suggestions(incomplete)


class Name(Text):
    """One of some names; its user, not this, says what is wrong with another."""

    def __init__(self, metavar: str, names: Named) -> None:
        super().__init__(metavar)
        self._names = names

    def suggestions(self, incomplete: str) -> "Items":
        return among(self._names(), incomplete)


class Names(Name):
    """Names with commas between them: a tuple of those, each once."""

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        known = tuple(self._names())
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            what = f"no {', '.join(unknown)}" if unknown else "nothing chosen"
            self.fail(f"{what}; there are: {', '.join(known)}", param, ctx)
        return names

    def suggestions(self, incomplete: str) -> "Items":
        # The last of them is being written.
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        names = [name for name in self._names() if name not in taken]
        return prefixed(f"{before}{comma}", among(names, last))


class File(Text):
    """A file's path. `kind` is a key of `kseg.cli.file_kinds.KINDS`: KsegError, which says what to
    do with it, for a file of another."""

    def __init__(self, kind: str | None = None, metavar: str = "FILE") -> None:
        super().__init__(metavar)
        self.kind = kind

    def convert(self, value: Any, param: Any, ctx: "click.Context | None") -> Any:  # noqa: ARG002
        if self.kind is not None and not (ctx is not None and ctx.resilient_parsing):
            check_kind(value, self.kind, None if ctx is None else ctx.command)
        return value

    def suggestions(self, incomplete: str) -> "Items":
        return paths("file", incomplete)


class Directory(Text):
    """A directory's path."""

    def suggestions(self, incomplete: str) -> "Items":
        return paths("dir", incomplete)


class Kernel(File):
    """An executable, or the name of a bundled guest."""

    def __init__(self) -> None:
        super().__init__("executable", "KERNEL")

    def suggestions(self, incomplete: str) -> "Items":
        return among(bundled(), incomplete) + paths("file", incomplete)


class GuestWord(Text):
    """A word of the boot string: as the first one, a program of a bundled guest."""

    def shell_complete(
        self, ctx: "click.Context", param: "click.Parameter", incomplete: str
    ) -> "Items":
        kernel = ctx.params.get("kernel")
        if kernel not in bundled() or ctx.params.get(param.name or ""):
            return []
        import zipfile

        from kseg.api.guests import find_guest, programs_of

        archive = programs_of(find_guest(str(kernel)).path)
        found = [] if archive is None else ["halt", *zipfile.ZipFile(archive).namelist()]
        return among(found, incomplete)


class SaveAt(File):
    """CYCLE:FILE, as a number and a path."""

    def __init__(self) -> None:
        super().__init__(metavar="CYCLE:FILE")

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, str]:
        if isinstance(value, tuple):
            return value
        cycle, colon, file = str(value).partition(":")
        if not (colon and file and cycle.isascii() and cycle.isdigit() and len(cycle) < 19):
            self.fail(f"{value}: give a number of cycles and a file's name: CYCLE:FILE", param, ctx)
        return int(cycle), file


class Number(Text):
    """A whole number of 0 or more, in decimal digits."""

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, int):
            return value
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            self.fail(f"{value}: give a number", param, ctx)
        return int(value)


class Seconds(Text):
    """A number of seconds."""

    def __init__(self, metavar: str = "SECONDS") -> None:
        super().__init__(metavar)

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        # Also false for "nan".
        if not 0 <= seconds <= MOST_SECONDS:
            self.fail(
                f"{value} is not a number of seconds from 0 to {MOST_SECONDS:.0f}", param, ctx
            )
        return seconds


class Seed(Name):
    """A number, or "auto"."""

    def __init__(self) -> None:
        super().__init__("N", lambda: ("auto",))

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        if isinstance(value, int):
            return value
        try:
            return "auto" if value == "auto" else int(value, 0)
        except ValueError:
            self.fail(f"{value}: give a number or auto", param, ctx)


class ControlKey(Name):
    """A control character as ^A, Ctrl-A or C-a: its number; None for "none"."""

    def __init__(self) -> None:
        super().__init__("KEY", lambda: ("^A", "^]", "none"))

    def convert(self, value: Any, param: Any, ctx: Any) -> int | None:
        if isinstance(value, int):
            return value
        if value.lower() == "none":
            return None
        name = value.lower().removeprefix("ctrl-").removeprefix("c-").removeprefix("^").upper()
        if len(name) != 1 or not "@" <= name <= "_":
            self.fail(f"{value}: give a control character such as ^A or ^], or none", param, ctx)
        return ord(name) - 64


class Word(Text):
    """An address or another number of 32 bits, decimal or 0x…."""

    def __init__(self) -> None:
        super().__init__("A")

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        try:
            number = value if isinstance(value, int) else int(value, 0)
        except ValueError:
            number = -1
        if not 0 <= number < 1 << 32:
            self.fail(f"{value} is not a number of 32 bits, such as 0x80001000", param, ctx)
        return number


def among(names: Iterable[str], incomplete: str) -> "Items":
    """Suggestions: those names that begin so, with what they are where that is known."""
    from click.shell_completion import CompletionItem

    helps = names if isinstance(names, Mapping) else {}
    return [
        CompletionItem(name, help=helps.get(name)) for name in names if name.startswith(incomplete)
    ]


def paths(kind: str, incomplete: str) -> "Items":
    """The suggestion that the shell look for paths, of a "file" or a "dir"."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type=kind)]


def prefixed(head: str, items: "Items") -> "Items":
    """Suggestions behind what has been written."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(f"{head}{item.value}", type=item.type, help=item.help) for item in items]


def bundled() -> Mapping[str, str]:
    """The bundled guests, and what they are."""
    from kseg.api.guests import BUNDLED

    return {name: guest.summary for name, guest in BUNDLED.items()}


def boards() -> Iterable[str]:
    """What `--machine` takes."""
    from kseg.boards import BOARDS

    return BOARDS


def engines() -> Iterable[str]:
    """What `--engine` takes."""
    from kseg.engine import CHOICES

    return CHOICES


def monitors() -> Iterable[str]:
    """What `--monitor` takes."""
    from kseg.monitor import CHOICES

    return CHOICES


def profiles() -> Iterable[str]:
    """The processors that instructions can be for."""
    from kseg.isa.profile import PROFILES

    return PROFILES
