"""What the runtime's texts are compiled for; these values are what CPython sees."""

from kseg.isa.profile import MIPS161, Profile

PROFILE: Profile = MIPS161
BIG_ENDIAN: bool = True
