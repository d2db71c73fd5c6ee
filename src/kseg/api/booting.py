"""A kernel about to boot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg import checks
from kseg.api.assembly import Assembly, Source
from kseg.api.guests import find_guest
from kseg.api.options import Hardware, boot_string, group
from kseg.boards import board_named
from kseg.machine.elf import WINDOW, read_image

if TYPE_CHECKING:
    from kseg.machine.configuration import Configuration


class Boot:
    """A kernel, its boot string, what is typed for it, and the hardware that it is to have."""

    def __init__(
        self, kernel: str | Path, arguments: str | Sequence[str], options: Mapping[str, Any]
    ) -> None:
        """`options` are `HardwareOptions` and `input`; KsegError for what makes no sense."""
        guest = find_guest(kernel)
        self.kernel = guest.path
        self._arguments = boot_string(arguments)
        self._typed = checks.data("input", options.get("input", b""))
        self.hardware = group(Hardware, options)
        hardware = self.hardware
        bundled = guest.bundled is not None
        self._scratch_disk = bundled and hardware.config is None and not hardware.disks

    def configuration(self, **others: Any) -> "Configuration":
        """What `Hardware.configuration` is; a bundled guest has a disk in any case."""
        return self.hardware.configuration(scratch_disk=self._scratch_disk, **others)

    def window(self) -> int | None:
        """Read the kernel, and say where it is linked if not in kseg0; ImageError."""
        self._image = read_image(self.kernel, board_named(self.hardware.board).byte_order)
        return WINDOW if self._image.in_window else None

    def source(self) -> Source:
        """Where a machine begins that boots it."""
        hardware = self.hardware
        return Source(
            self._enter, epoch=hardware.epoch, doom=hardware.doom, network=hardware.network
        )

    def _enter(self, made: Assembly) -> None:
        if self._scratch_disk:
            from kseg.api.scratch_disk import format_scratch_disk

            format_scratch_disk(made.board)
        made.paced_input.type(self._typed)
        made.board.load_kernel(self._image, self._arguments, str(self.kernel))
