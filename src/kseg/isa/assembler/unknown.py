"""Why there is no such instruction."""

import re

from kseg.isa.profile import PROFILES

_FLOATING = re.compile(
    r"(?:\w+\.[sdwl](?:\.[sdw])?|[lms][wtfd]c1|[dl]mfc1|ctc1|cfc1|bc1[tf]l?|[ls]dc1|c\.\w+\.[sd])"
)
_LATER = frozenset(
    "movz movn clz clo madd maddu msub msubu ext ins wsbh seb seh rotr rotrv teq tne tge tgeu tlt"
    " tltu teqi tnei eret deret pref beql bnel blezl bgtzl bltzl bgezl bltzall bgezall ldl ldr sdl"
    " sdr dadd daddu daddi daddiu dsub dsubu dsll dsrl dsra dsllv dsrlv dsrav dmult dmultu ddiv"
    " ddivu lld scd lwu dla dli dmfc0 dmtc0 jr.hb jalr.hb di ei rdhwr synci mul.ps".split()
)


def why_unknown(name: str, profile: str) -> str:
    """The error for a mnemonic that no form of the profile has."""
    from kseg.isa.assembler.forms import forms

    if _FLOATING.fullmatch(name):
        if PROFILES[profile].has_floating_point:
            return f"{profile} has no instruction {name}: the R3010 has not"
        having = next(other for other in PROFILES if PROFILES[other].has_floating_point)
        return (
            f"{profile} has no instruction {name}: it has no floating-point unit"
            f" (--profile {having} has one)"
        )
    elsewhere = [other for other in PROFILES if other != profile and name in forms(other)]
    if elsewhere:
        return f"{profile} has no instruction {name}: --profile {elsewhere[0]} has"
    if name in _LATER:
        return f"{profile} has no instruction {name}: it is of a later MIPS than the R3000"
    return f"{profile} has no instruction {name}"
