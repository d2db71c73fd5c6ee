"""`kseg disk`: disk images as files of the host.

Images are System/161's, so any of its guests can use one. What is on them, in the file systems of
cms and of OS/161, is for `disk_files`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kseg.cli import lazy_click as click
from kseg.cli.commands.disk_files import COMMANDS
from kseg.cli.parameters import File, Text
from kseg.errors import DiskDamageError, DiskImageError

if TYPE_CHECKING:
    from kseg.file_systems.file_system import FileSystem

MOST_SHOWN = 20
"""Kinds of damage that `info` shows, at most."""

EPILOG = """
Exit codes: 0 done, and nothing is wrong; 2 wrong usage or files, nothing was changed; 7 the file
system on the image is damaged.
"""


@click.group(epilog=EPILOG)
def disk() -> None:
    """Create, inspect, check and resize disk images; put files on them.

    The file systems of cms and of OS/161 (SFS) are recognised.
    """


for _command in COMMANDS:
    disk.add_command(_command)


@disk.command(context_settings={"ignore_unknown_options": True})
@click.option("--force", "-f", is_flag=True, help="Replace an existing file.")
@click.option("--format", "cms", is_flag=True, help="Put an empty cms file system on it.")
@click.option("--sfs", is_flag=True, help="Put an empty SFS on it, OS/161's file system.")
@click.option("--label", default="", type=Text("TEXT"), help="The file system's name.")
@click.argument("image", type=File())
@click.argument("size", type=Text("SIZE"))
def create(image: str, size: str, force: bool, cms: bool, sfs: bool, label: str) -> None:
    """Make IMAGE with SIZE bytes, such as 5M (4M or more for a drive to accept it)."""
    from kseg.cli.commands.disk_files import now, translated
    from kseg.machine import disk_image
    from kseg.machine.new_disk import NewSectors

    if cms and sfs:
        raise click.UsageError("--format and --sfs do not go together")
    if label and not (cms or sfs):
        raise click.UsageError("--label is for a file system; ask for one with --format or --sfs")
    wanted = _size(size)
    disk_image.check_size(wanted)
    _check_drive(wanted)
    contents = disk_image.MemoryDisk(wanted // disk_image.SECTOR_SIZE)
    with translated(image):
        if cms:
            from kseg.file_systems.cms.formatting import format_disk

            format_disk(NewSectors(contents), label=label, modified=now())
        elif sfs:
            from kseg.file_systems.sfs.formatting import make_sfs

            make_sfs(NewSectors(contents), label=label)
    try:
        disk_image.create(image, wanted, force=force, contents=contents.save().written)
    except DiskImageError as error:
        raise DiskImageError(str(error).replace("force replaces", "--force replaces")) from None


@disk.command()
@click.argument("image", type=File("disk"))
def info(image: str) -> None:
    """Say how large IMAGE is, and what is on it."""
    from kseg.cli.commands.disk_files import reading
    from kseg.file_systems.recognition import UnknownFileSystemError
    from kseg.machine.disk_image import SECTOR_SIZE

    with reading(image) as (opened, open_files):
        size, used = opened.sectors * SECTOR_SIZE, Path(image).stat().st_blocks * 512
        click.echo(f"{image}: System/161 disk image, {opened.sectors} sectors, {_amount(size)}")
        click.echo(f"  on the host: {_amount(used)}")
        try:
            files = open_files()
        except UnknownFileSystemError:
            click.echo("  file system: none that kseg knows")
            return
        free = files.free_blocks() * SECTOR_SIZE
        label = f' "{_shown(files.label)}"' if files.label else ""
        click.echo(f"  file system: {files.name}{label}, {_amount(free)} free")
        problems = files.check()
        for problem in problems[:MOST_SHOWN]:
            click.echo(f"  damaged: {_shown(problem)}")
        if problems:
            raise _damage(image, problems)


@disk.command()
@click.option("--repair", is_flag=True, help="Make it consistent, losing as little as possible.")
@click.argument("image", type=File("disk"))
def check(image: str, repair: bool) -> None:
    """Look over the file system on IMAGE: a line for all that is wrong.

    Exit codes: 0 nothing is, or all was repaired; 7 it is damaged.
    """
    from kseg.cli.commands.disk_files import changing, reading

    if not repair:
        with reading(image) as (_, open_files):
            problems = _tell(open_files())
        if problems:
            raise _damage(image, problems)
        return
    with changing(image, damaged=True) as files:
        problems = _tell(files)
        if problems:
            files.repair()
    if problems:
        click.echo(f"{image}: repaired")


def _tell(files: "FileSystem") -> tuple[str, ...]:
    problems = files.check()
    for problem in problems:
        click.echo(_shown(problem))
    if not problems:
        click.echo(f"{files.name}: sound")
    return problems


def _damage(image: str, problems: tuple[str, ...]) -> DiskDamageError:
    from kseg.cli.commands.disk_files import damage

    sys.stdout.flush()
    return damage(image, problems)


@disk.command(context_settings={"ignore_unknown_options": True})
@click.option("--force", "-f", is_flag=True, help="Even if a file system is cut off.")
@click.argument("image", type=File("disk"))
@click.argument("size", type=Text("SIZE"))
def resize(image: str, size: str, force: bool) -> None:
    """Make IMAGE SIZE bytes large, or +SIZE larger, or -SIZE smaller. A file system on it stays as
    large as it is."""
    from kseg.cli.commands.disk_files import reading
    from kseg.file_systems.device import FileSystemError
    from kseg.machine import disk_image
    from kseg.machine.disk_image import SECTOR_SIZE

    with reading(image) as (opened, open_files):
        now = opened.sectors * SECTOR_SIZE
        if size[:1] in ("+", "-"):
            wanted = now + _size(size[1:]) if size[0] == "+" else now - _size(size[1:])
        else:
            wanted = _size(size)
        disk_image.check_size(wanted)
        _check_drive(wanted)
        if wanted < now and not force:
            try:
                needed = open_files().block_count * SECTOR_SIZE
            except FileSystemError:
                needed = 0
            if wanted < needed:
                raise DiskImageError(
                    f"disk image {image}: its file system has {_amount(needed)}, which this would"
                    " cut off and destroy; --force does it"
                )
    disk_image.resize(image, wanted)


def _size(text: str) -> int:
    from kseg.machine.arguments import size_in_bytes

    try:
        return size_in_bytes(text)
    except ValueError as error:
        raise DiskImageError(str(error)) from None


def _check_drive(size: int) -> None:
    from kseg.devices.disk import check_size
    from kseg.machine.disk_image import SECTOR_SIZE

    check_size(size // SECTOR_SIZE)


def _amount(size: int) -> str:
    return f"{size >> 20} MiB" if size % (1 << 20) == 0 and size else f"{size / 1024:.0f} KiB"


def _shown(text: str) -> str:
    from kseg.cli.output import one_line

    return one_line(text)
