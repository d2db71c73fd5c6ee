"""`kseg disk ls|put|get|rm|mkdir|mv`: the files on a disk image."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.parameters import File, Text
from kseg.errors import DiskDamageError, DiskImageError

if TYPE_CHECKING:
    from kseg.file_systems.device import Entry
    from kseg.file_systems.file_system import FileSystem
    from kseg.machine.disk_image import DiskImage


@click.command()
@click.option("-r", "recursive", is_flag=True, help="Directories, too, with all that is in them.")
@click.argument("image", type=File("disk"))
@click.argument("sources", type=File(), nargs=-1, required=True, metavar="SOURCE... [PATH]")
def put(image: str, sources: tuple[str, ...], recursive: bool) -> None:
    """Copy the host's file SOURCE (- is stdin) to PATH on IMAGE: a name, or a directory (default:
    the root). A file that is there is replaced. Several SOURCEs go to a directory. All of them are
    copied, or none."""
    from kseg.file_systems import copying

    *files, path = sources if len(sources) > 1 else (*sources, "/")
    with changing(image) as system:
        into = path.endswith("/") or copying.is_directory(system, path) or len(files) > 1
        if into and not copying.is_directory(system, path):
            _refuse(f"{path} is no directory on the image; make it with: kseg disk mkdir")
        for name in files:
            source = Path(name)
            target = f"{path.rstrip('/')}/{Path(source.resolve()).name}" if into else path
            if name == "-":
                if into:
                    _refuse("what comes from stdin has no name; give a PATH")
                system.put(path, sys.stdin.buffer.read(system.block_count * 512 + 1), now())
            elif not source.is_dir():
                with _naming(source):
                    copying.put_file(system, source, target, now())
            elif recursive:
                with _naming(source):
                    copying.put_directory(system, source, target, now())
            else:
                _refuse(f"{name} is a directory; put it with -r")


@click.command()
@click.option("-r", "recursive", is_flag=True, help="A directory, too, with all that is in it.")
@click.argument("image", type=File("disk"))
@click.argument("path", type=Text("PATH"))
@click.argument("target", type=File(), default="")
def get(image: str, path: str, target: str, recursive: bool) -> None:
    """Copy the file PATH on IMAGE to the host's TARGET (default: the same name here; - is
    stdout)."""
    from kseg.file_systems import copying

    with reading(image) as (_, open_files):
        system = open_files()
        directory = system.status(path).is_directory
        if directory and (not recursive or target == "-"):
            _refuse(f"{path} is a directory; get it with -r, to a directory")
        if target == "-":
            sys.stdout.buffer.write(system.get(path))
            return
        name = Path(path).name
        place = Path(target or name or ".")
        with _naming(place):
            if place.is_dir() and target:
                place /= name
            (copying.get_directory if directory else copying.get_file)(system, path, place)


@click.command()
@click.option("-l", "long", is_flag=True, help="With size and time, where there is one.")
@click.option("-R", "recursive", is_flag=True, help="With the directories below.")
@click.argument("image", type=File("disk"))
@click.argument("path", type=Text("PATH"), default="/")
def ls(image: str, path: str, long: bool, recursive: bool) -> None:
    """List the directory PATH on IMAGE."""
    from kseg.cli.output import one_line
    from kseg.file_systems import copying

    with reading(image) as (_, open_files):
        system = open_files()
        found: list[tuple[str, Entry]]
        if not system.status(path).is_directory:
            found = [(system.status(path).name, system.status(path))]
        elif recursive:
            found = sorted(("/".join(name), entry) for name, entry in copying.walk(system, path))
        else:
            found = [(entry.name, entry) for entry in system.list(path)]
    for name, entry in found:
        shown = one_line(name) + "/" * entry.is_directory
        if long:
            click.echo(f"{entry.size:>9}  {_date(entry.modified)}  {shown}")
        else:
            click.echo(shown)


@click.command()
@click.option("-r", "recursive", is_flag=True, help="Directories, too, with all that is in them.")
@click.option("-f", "force", is_flag=True, help="What does not exist is no error.")
@click.argument("image", type=File("disk"))
@click.argument("paths", type=Text("PATH"), nargs=-1, required=True, metavar="PATH...")
def rm(image: str, paths: tuple[str, ...], recursive: bool, force: bool) -> None:
    """Remove files, and empty directories, from IMAGE: all of them, or none."""
    from kseg.file_systems import copying

    with changing(image) as system:
        for path in paths:
            found = copying.entry_at(system, path)
            if found is None and force:
                continue
            if recursive and found is not None and found.is_directory:
                copying.remove_directory(system, path)
            else:
                system.remove(path)


@click.command()
@click.option("-p", "parents", is_flag=True, help="And those above it; it may exist already.")
@click.argument("image", type=File("disk"))
@click.argument("paths", type=Text("PATH"), nargs=-1, required=True, metavar="PATH...")
def mkdir(image: str, paths: tuple[str, ...], parents: bool) -> None:
    """Make directories on IMAGE: all of them, or none."""
    from kseg.file_systems import copying

    with changing(image) as system:
        for path in paths:
            if parents:
                copying.make_directories(system, path, now())
            else:
                system.make_directory(path, now())


@click.command()
@click.argument("image", type=File("disk"))
@click.argument("source", type=Text("PATH"))
@click.argument("target", type=Text("PATH"))
def mv(image: str, source: str, target: str) -> None:
    """Give the file or directory SOURCE on IMAGE the name TARGET, or move it into the directory
    TARGET. A file replaces one that is there."""
    from kseg.file_systems import copying
    from kseg.file_systems.device import components

    with changing(image) as system:
        moved = system.status(source)
        if components(source) == components(target):
            _refuse(f"{source} and {target} are the same file")
        if copying.is_directory(system, target):
            target = f"{target.rstrip('/')}/{moved.name}"
        there = copying.entry_at(system, target)
        if components(source) == components(target):
            _refuse(f"{source} and {target} are the same file")
        if there is not None and not there.is_directory and not moved.is_directory:
            system.remove(target)
        system.rename(source, target)


COMMANDS = (ls, put, get, rm, mkdir, mv)


@contextmanager
def reading(image: str) -> "Iterator[tuple[DiskImage, Callable[[], FileSystem]]]":
    """An image, locked, and a function that opens the file system on it."""
    from kseg.file_systems.recognition import open_file_system
    from kseg.machine.disk_changes import DiskChanges
    from kseg.machine.disk_image import DiskImage

    with translated(image), DiskImage(image, writable=False) as opened:
        yield opened, lambda: open_file_system(DiskChanges(opened))


@contextmanager
def changing(image: str, *, damaged: bool = False) -> "Iterator[FileSystem]":
    """The file system on an image. What the block does to it is done when it ends, all together, or
    not at all. One that is `damaged` is refused: changes might destroy more."""
    from kseg.file_systems.recognition import open_file_system
    from kseg.machine.disk_changes import DiskChanges
    from kseg.machine.disk_image import DiskImage

    with translated(image), DiskImage(image) as opened:
        changes = DiskChanges(opened)
        system = open_file_system(changes)
        if damaged:
            yield system
        elif problems := system.check():
            raise damage(image, problems)
        else:
            with system.together():
                yield system
        changes.commit()


def damage(image: str, problems: tuple[str, ...]) -> DiskDamageError:
    """The error that says what is wrong with a file system."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return DiskDamageError(
        f"disk image {image}: damaged: {problems[0]}{more}; mend it with: kseg disk check --repair"
    )


@contextmanager
def translated(image: str) -> Iterator[None]:
    """Says which image it is that something is wrong with."""
    from kseg.file_systems.device import DamagedError, FileSystemError

    try:
        yield
    except DamagedError as error:
        raise DiskDamageError(f"disk image {image}: {error}") from None
    except FileSystemError as error:
        raise DiskImageError(f"disk image {image}: {error}") from None
    except OSError as error:
        raise DiskImageError(f"disk image {image}: {error.strerror}") from None


@contextmanager
def _naming(place: Path) -> Iterator[None]:
    """Says which file of the host's it is that cannot be read or written."""
    try:
        yield
    except (OSError, ValueError) as error:
        from kseg.file_systems.device import FileSystemError

        if isinstance(error, FileSystemError):
            raise
        text = error.strerror if isinstance(error, OSError) else str(error)
        name = getattr(error, "filename", None) or place
        raise DiskImageError(f"{name}: {text}") from None


def _refuse(text: str) -> None:
    raise DiskImageError(text)


def now() -> int:
    """The time, in seconds since 1970, as file systems keep it."""
    import time

    return int(time.time()) & 0xFFFFFFFF


def _date(seconds: int | None) -> str:
    import time

    if seconds is None:
        return " " * 16
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
