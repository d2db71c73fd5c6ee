"""Run a testmips image in Unicorn: python unicorn_runner.py IMAGE

Console and halt are memory-mapped ranges, not hooks, since hooks would slow down every store.
"""

import struct
import sys
from pathlib import Path

import unicorn

CONSOLE_PAGE = 0x10000000
CONSOLE = 0x00
HALT = 0x10
PHYSICAL = 0x1FFFFFFF
NOWHERE = 0xFFFFFFFF


def main() -> None:
    image = Path(sys.argv[1]).read_bytes()
    entry, headers = struct.unpack_from(">II", image, 24)
    (header_count,) = struct.unpack_from(">H", image, 44)
    machine = unicorn.Uc(unicorn.UC_ARCH_MIPS, unicorn.UC_MODE_MIPS32 | unicorn.UC_MODE_BIG_ENDIAN)
    machine.mem_map(0, 16 << 20)
    for number in range(header_count):
        header = struct.unpack_from(">5I", image, headers + 32 * number)
        _, start, address, _, size = header
        machine.mem_write(address & PHYSICAL, image[start : start + size])

    halted = False

    def read(_machine: unicorn.Uc, _offset: int, _size: int, _data: object) -> int:
        return 0

    def write(machine: unicorn.Uc, offset: int, _size: int, value: int, _data: object) -> None:
        nonlocal halted
        if offset == CONSOLE:
            sys.stdout.write(chr(value & 0xFF))
        elif offset == HALT:
            halted = True
            machine.emu_stop()

    machine.mmio_map(CONSOLE_PAGE, 0x1000, read, None, write, None)
    try:
        machine.emu_start(entry, NOWHERE)
    except unicorn.UcError:
        # Some versions complain about the instruction after the one that stopped them.
        if not halted:
            raise


if __name__ == "__main__":
    main()
