"""`kseg disk`: disk images as files of the host, and the files on them.

Images are System/161's, so any of its guests can use one. `ls`, `get` and `put` understand the
file system of the bundled guest `cms`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kseg.errors import DiskImageError

if TYPE_CHECKING:
    from kseg.machine.cms_file_system.file_system import CmsFileSystem


@click.group()
def disk() -> None:
    """Create, inspect and resize disk images; put files on them."""


@disk.command()
@click.option("--force", "-f", is_flag=True, help="Replace an existing file.")
@click.option("--format", "formatted", is_flag=True, help="Put an empty cms file system on it.")
@click.option("--label", default="", metavar="TEXT", help="The file system's name.")
@click.argument("image")
@click.argument("size")
def create(image: str, size: str, force: bool, formatted: bool, label: str) -> None:
    """Make IMAGE with SIZE bytes, such as 5M (4M or more for a drive to accept it)."""
    from kseg.machine import disk_image

    try:
        disk_image.create(image, _size(size), force=force)
    except DiskImageError as error:
        raise DiskImageError(str(error).replace("force replaces", "--force replaces")) from None
    if formatted:
        from kseg.api.scratch_disk import Sectors
        from kseg.machine.cms_file_system.file_system import make_file_system

        with disk_image.DiskImage(image) as opened, _errors(image):
            make_file_system(Sectors(opened), label=label, modified=_now())


@disk.command()
@click.argument("image")
def info(image: str) -> None:
    """Say how large IMAGE is, and what is on it."""
    from kseg.machine.disk_image import SECTOR_SIZE, DiskImage

    with DiskImage(image, writable=False) as opened:
        size, used = opened.sectors * SECTOR_SIZE, Path(image).stat().st_blocks * 512
        click.echo(f"{image}: System/161 disk image, {opened.sectors} sectors, {_amount(size)}")
        click.echo(f"  on the host: {_amount(used)}")
        try:
            with _file_system(image, writable=False, opened=opened) as files:
                free = files.free_blocks() * SECTOR_SIZE
                problems = files.check()
        except DiskImageError:
            click.echo("  file system: none that kseg knows")
            return
        click.echo(f"  file system: cms, {_amount(free)} free")
        for problem in problems:
            click.echo(f"  damaged: {problem}")


@disk.command(context_settings={"ignore_unknown_options": True})
@click.argument("image")
@click.argument("size")
def resize(image: str, size: str) -> None:
    """Make IMAGE SIZE bytes large, or +SIZE larger, or -SIZE smaller. A file system on it stays
    as it is: shrinking one destroys it."""
    from kseg.machine import disk_image

    if size[:1] in ("+", "-"):
        with disk_image.DiskImage(image, writable=False) as opened:
            now = opened.sectors * disk_image.SECTOR_SIZE
        wanted = now + _size(size[1:]) if size[0] == "+" else now - _size(size[1:])
    else:
        wanted = _size(size)
    disk_image.resize(image, wanted)


@disk.command()
@click.argument("image")
@click.argument("source")
@click.argument("path", default="/")
def put(image: str, source: str, path: str) -> None:
    """Copy the host's file SOURCE (- is stdin) to PATH on IMAGE: a name, or a directory."""
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise DiskImageError(f"{source}: {error.strerror}") from None
    with _file_system(image, writable=True) as files:
        is_directory = path.endswith("/")
        if not is_directory:
            try:
                is_directory = files.status(path).is_directory
            except ValueError:
                is_directory = False
        if is_directory and source == "-":
            raise DiskImageError("what comes from stdin has no name; give a PATH")
        target = f"{path.rstrip('/')}/{Path(source).name}" if is_directory else path
        files.put(target, data, _now())


@disk.command()
@click.argument("image")
@click.argument("path")
@click.argument("target", default="")
def get(image: str, path: str, target: str) -> None:
    """Copy the file PATH on IMAGE to the host's TARGET (default: the same name here; - is
    stdout)."""
    with _file_system(image, writable=False) as files:
        data = files.get(path)
    if target == "-":
        sys.stdout.buffer.write(data)
        return
    place = Path(target or Path(path).name)
    if place.is_dir():
        place /= Path(path).name
    try:
        place.write_bytes(data)
    except OSError as error:
        raise DiskImageError(f"{place}: {error.strerror}") from None


@disk.command()
@click.option("-l", "long", is_flag=True, help="With size and time.")
@click.argument("image")
@click.argument("path", default="/")
def ls(image: str, path: str, long: bool) -> None:
    """List the directory PATH on IMAGE."""
    with _file_system(image, writable=False) as files:
        entries = files.list(path) if files.status(path).is_directory else [files.status(path)]
    for entry in sorted(entries, key=lambda entry: entry.name):
        name = entry.name + "/" * entry.is_directory
        if long:
            click.echo(f"{entry.size:>9}  {_date(entry.modified)}  {name}")
        else:
            click.echo(name)


@contextmanager
def _file_system(image: str, *, writable: bool, opened: object = None) -> Iterator["CmsFileSystem"]:
    """The cms file system on an image, locked while it is in use."""
    from kseg.api.scratch_disk import Sectors
    from kseg.machine.cms_file_system.file_system import CmsFileSystem
    from kseg.machine.disk_image import DiskImage

    with _errors(image):
        if isinstance(opened, DiskImage):
            yield CmsFileSystem(Sectors(opened))
            return
        with DiskImage(image, writable=writable) as disk_file:
            yield CmsFileSystem(Sectors(disk_file))


@contextmanager
def _errors(image: str) -> Iterator[None]:
    from kseg.machine.cms_file_system.layout import FileSystemError

    try:
        yield
    except FileSystemError as error:
        raise DiskImageError(f"disk image {image}: {error}") from None
    except OSError as error:
        raise DiskImageError(f"disk image {image}: {error.strerror}") from None


def _size(text: str) -> int:
    from kseg.machine.arguments import size_in_bytes

    try:
        return size_in_bytes(text)
    except ValueError as error:
        raise DiskImageError(str(error)) from None


def _amount(size: int) -> str:
    return f"{size >> 20} MiB" if size % (1 << 20) == 0 and size else f"{size / 1024:.0f} KiB"


def _now() -> int:
    import time

    return int(time.time()) & 0xFFFFFFFF


def _date(seconds: int) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
