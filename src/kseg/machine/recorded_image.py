"""A disk image as the history of a run knows it: the sectors that the machine read."""

from collections.abc import Mapping

from kseg.errors import DivergenceError
from kseg.machine.disk_image import DiskContents, MemoryDisk


class RecordedImage:
    """What takes the place of an image file where a run is repeated. It cannot be written: put a
    MemoryDisk in front."""

    def __init__(self, sectors: int, known: Mapping[int, bytes]) -> None:
        """`known` are the sectors by number; more may come to be known."""
        self.sectors = sectors
        self._known = known

    def read(self, sector: int) -> bytes:
        """DivergenceError for a sector that the recorded run never read."""
        data = self._known.get(sector)
        if data is None:
            raise DivergenceError(
                f"the machine reads sector {sector} of a disk, which it never did"
            )
        return data

    def write(self, sector: int, data: bytes) -> None:  # noqa: ARG002
        raise TypeError("a recorded disk image cannot be written")

    def close(self) -> None:
        pass

    def save(self) -> DiskContents:
        return DiskContents(self.sectors, {})

    def load(self, contents: DiskContents) -> None:  # noqa: ARG002
        raise TypeError("a recorded disk image cannot be written")

    def copy(self) -> MemoryDisk:
        return MemoryDisk(base=self)
