"""What a damaged disk does to cms: it complains and goes on."""

import random
from pathlib import Path

import pytest

from kseg import Machine
from kseg.file_systems.cms.file_system import make_file_system
from kseg.file_systems.cms.memory_disk import MemoryDisk
from kseg.file_systems.format import BLOCK_SIZE
from kseg.machine import disk_image


@pytest.mark.parametrize("seed", range(4))
def test_cms_survives_damaged_disks(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    disk = MemoryDisk(8192)
    system = make_file_system(disk)
    system.put("a", b"a" * 9000)
    system.make_directory("d")
    system.put("d/b", b"b" * 70000)
    for _ in range(chance.randrange(1, 30)):
        disk.contents[chance.randrange(BLOCK_SIZE, 60 * BLOCK_SIZE)] = chance.randrange(256)
    image = tmp_path / "damaged.img"
    disk_image.create(image, len(disk.contents))
    with image.open("r+b") as file:
        file.seek(disk_image.SECTOR_SIZE)
        file.write(disk.contents)
    commands = "ls -l a:/; cat a:/a; cp a:/d/b a:/z; rm a:/d/b; ls a:/d; mkdir a:/q; halt"
    with Machine("cms", commands, disks=image) as machine:
        assert machine.run(seconds=300).exit_code == 0
        assert "panic" not in machine.console.output
