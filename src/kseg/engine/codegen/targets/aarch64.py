"""AArch64: relocations lie within 32-bit instructions, and instruction fetches do not see what was
written unless they are told to (see also `kseg.platform.instruction_cache`)."""

from dataclasses import dataclass

from kseg.engine.codegen.targets.target import Target
from kseg.platform.code import NativeCodeError

_PAGE = 4096
"""Of ADRP, whatever the host's are."""


@dataclass(frozen=True)
class _Field:
    """A signed distance in an instruction, or the unsigned low bits of an address."""

    lsb: int
    width: int
    scale: int
    """The field counts so many bytes."""
    low: bool = False


_FIELDS = {
    273: _Field(5, 19, 4),  # R_AARCH64_LD_PREL_LO19
    277: _Field(10, 12, 1, low=True),  # R_AARCH64_ADD_ABS_LO12_NC
    278: _Field(10, 12, 1, low=True),  # R_AARCH64_LDST8_ABS_LO12_NC
    279: _Field(5, 14, 4),  # R_AARCH64_TSTBR14
    280: _Field(5, 19, 4),  # R_AARCH64_CONDBR19
    282: _Field(0, 26, 4),  # R_AARCH64_JUMP26
    283: _Field(0, 26, 4),  # R_AARCH64_CALL26
    284: _Field(10, 12, 2, low=True),  # R_AARCH64_LDST16_ABS_LO12_NC
    285: _Field(10, 12, 4, low=True),  # R_AARCH64_LDST32_ABS_LO12_NC
    286: _Field(10, 12, 8, low=True),  # R_AARCH64_LDST64_ABS_LO12_NC
    299: _Field(10, 12, 16, low=True),  # R_AARCH64_LDST128_ABS_LO12_NC
}
_ADR, _ADRP = 274, 275
"""R_AARCH64_ADR_PREL_LO21, R_AARCH64_ADR_PREL_PG_HI21: the low two bits lie apart."""
_DATA = {260: 8, 261: 4}
"""R_AARCH64_PREL64, R_AARCH64_PREL32: a distance in data, of so many bytes."""


def relocate(image: bytearray, kind: int, place: int, to: int) -> None:
    """See `target.Relocate`. Source: ELF for the Arm 64-bit Architecture, 5.7."""
    if kind in _DATA:
        size = _DATA[kind]
        image[place : place + size] = (to - place).to_bytes(size, "little", signed=True)
        return
    word = int.from_bytes(image[place : place + 4], "little")
    if kind in _FIELDS:
        field = _FIELDS[kind]
        value = to % _PAGE if field.low else to - place
        value = _scaled(value, field.scale)
        if not field.low:
            _check(value, field.width)
        mask = (1 << field.width) - 1
        word = word & ~(mask << field.lsb) | (value & mask) << field.lsb
    elif kind in (_ADR, _ADRP):
        value = to // _PAGE - place // _PAGE if kind == _ADRP else to - place
        _check(value, 21)
        word = word & ~0x60FFFFE0 | (value & 3) << 29 | (value >> 2 & 0x7FFFF) << 5
    else:
        raise NativeCodeError(f"the code has a relocation that kseg does not know ({kind})")
    image[place : place + 4] = word.to_bytes(4, "little")


def _scaled(value: int, scale: int) -> int:
    if value % scale:
        raise NativeCodeError(f"the code refers to {value:#x}, which is no multiple of {scale}")
    return value // scale


def _check(value: int, width: int) -> None:
    if not -1 << width - 1 <= value < 1 << width - 1:
        raise NativeCodeError("the code refers to what is too far away")


TARGET = Target(
    "aarch64",
    "aarch64-unknown-linux-gnu",
    "EM_AARCH64",
    relocate,
    handler_convention="preserve_nonecc",
    prelude="declare void @llvm.aarch64.isb(i32)\n"
    "define internal void @enter_code() alwaysinline {\n"
    "  call void @llvm.aarch64.isb(i32 15)\n  ret void\n}\n"
    # That of cycles is the kernel's.
    "declare i64 @llvm.read_volatile_register.i64(metadata)\n"
    '!9 = !{!"cntvct_el0"}\n'
    "define internal i64 @host_ticks() alwaysinline {\n"
    "  %now = call i64 @llvm.read_volatile_register.i64(metadata !9)\n  ret i64 %now\n}\n",
)
