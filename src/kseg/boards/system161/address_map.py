"""System/161's physical addresses: RAM from 0 on, the boot ROM, and LAMEbus with its slots."""

ROM_BASE = 0x1FC00000
ROM_SIZE = 4096

BUS_BASE = 0x1FE00000
"""The physical address of slot 0."""
SLOT_SIZE = 0x10000
SLOTS = 32
BUS_END = BUS_BASE + SLOTS * SLOT_SIZE

CONTROLLER_SLOT = 31
"""Where the mainboard is: the bus's controller."""


def slot_base(slot: int) -> int:
    """The physical address at which a slot's 64 KiB begin."""
    return BUS_BASE + slot * SLOT_SIZE
