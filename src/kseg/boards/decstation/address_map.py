"""Physical addresses of a DECstation 5000/200, from RAM at 0 on, and the bits of its interrupts.

DECstation 5000/200 KN02 System Module Functional Specification, "Address map" and "Interrupts".
"""

SUBSLOT = 0x80000
"""Bytes of each window of the system module."""

ROM_BASE = 0x1FC00000
ROM_SIZE = 0x2000
FIRMWARE_BASE = 0x1FC80000
"""Reserved on the hardware: where the ROM reaches the monitor."""
CHECK_SYNDROME_BASE = 0x1FD00000
"""CHKSYN, and a sub-slot further ERRADDR."""
SERIAL_BASE = 0x1FE00000
CLOCK_BASE = 0x1FE80000
CSR_BASE = 0x1FF00000

OPTION_SLOTS = 0x1E000000
OPTION_SIZE = 4 << 20
"""The TURBOchannel slots."""

# Slots of the bus. Up to 7 they are bits of the CSR.
SERIAL_SLOT = 7
CLOCK_SLOT = 8
ERROR_SLOT = 9
CSR_SLOT = 10
FIRMWARE_SLOT = 11
SLOTS = 12

WINDOWS = {
    SERIAL_SLOT: range(SERIAL_BASE, SERIAL_BASE + SUBSLOT),
    CLOCK_SLOT: range(CLOCK_BASE, CLOCK_BASE + SUBSLOT),
    ERROR_SLOT: range(CHECK_SYNDROME_BASE, CHECK_SYNDROME_BASE + 2 * SUBSLOT),
    CSR_SLOT: range(CSR_BASE, CSR_BASE + SUBSLOT),
    FIRMWARE_SLOT: range(FIRMWARE_BASE, FIRMWARE_BASE + SUBSLOT),
}

CASCADE_LINE = 0x400
CLOCK_LINE = 0x800
ERROR_LINE = 0x2000
"""Interrupt lines, as Cause shows them."""
