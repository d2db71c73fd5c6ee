"""Bytes of numbers."""

from kseg.isa.assembler.problem import SourceError


def integer(value: int, size: int, byte_order: str) -> bytes:
    """`value` in `size` bytes; SourceError where it does not fit, signed or not."""
    if not -(1 << (8 * size - 1)) <= value < 1 << (8 * size):
        raise SourceError(f"{value} does not fit in {8 * size} bits")
    value &= (1 << 8 * size) - 1
    return value.to_bytes(size, "big" if byte_order == "big" else "little")


def filling(value: int, size: int, byte_order: str) -> bytes:
    """One item of .fill: `size` bytes, at most eight, of which the first four say something."""
    if not size >= 0:
        raise SourceError(f".fill cannot take items of {size} bytes")
    size = min(size, 8)
    kept = min(size, 4)
    number = (value & ((1 << 8 * kept) - 1)).to_bytes(
        kept, "big" if byte_order == "big" else "little"
    )
    return number + bytes(size - kept)


def leb128(value: int, is_signed: bool) -> bytes:
    """A number in DWARF's form, seven bits a byte; SourceError for a negative unsigned one."""
    if value < 0 and not is_signed:
        raise SourceError(f".uleb128 cannot take {value}")
    found = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        sign = byte & 0x40 if is_signed else 0
        if (value == 0 and not sign) or (value == -1 and sign):
            found.append(byte)
            return bytes(found)
        found.append(byte | 0x80)
