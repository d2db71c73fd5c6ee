"""What a guest may have of a host, as users say it."""

import re

from kseg import checks
from kseg.errors import ConfigurationError
from kseg.monitor.shares import Share

_RATE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kKmMgG%]?)", re.ASCII)
_SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def rate(name: str, value: int | str, machine: int) -> int:
    """Instructions a virtual second: a number, a text such as "5M" (5,000,000), or "20%" of the
    `machine`'s. ConfigurationError, with the `name` of what it is for, otherwise."""
    if not isinstance(value, str):
        return checks.whole(name, value)
    match = _RATE.fullmatch(value)
    if match is None:
        raise ConfigurationError(
            f"{name} {value}: give instructions a second, such as 500k or 5M, or a part of the"
            " machine, such as 20%"
        )
    number, unit = float(match[1]), match[2].lower()
    return round(number * machine / 100 if unit == "%" else number * _SCALES[unit])


def share_from(weight: int, cap: int | str | None, reservation: int | str, machine: int) -> Share:
    """A share of a machine that executes `machine` instructions a second; ConfigurationError when
    it makes no sense."""
    try:
        return Share(
            checks.whole("weight", weight),
            None if cap is None else rate("cap", cap, machine),
            rate("reservation", reservation, machine),
        )
    except checks.ArgumentError:
        raise
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
