"""The exceptions a user may see: one line that names the thing and the mend.

Everything that a command line reports and exits on derives from `KsegError`; whatever else is
raised is a defect of kseg itself.
"""


class KsegError(Exception):
    """Something the user did or gave cannot work; `str()` is one line for the terminal."""

    exit_code = 2
    """What a command line exits with: 2 for usage, configuration and host files."""


class ConfigurationError(KsegError):
    """A machine configuration is wrong; the text starts with the file and the line."""


class HostError(KsegError):
    """kseg does not run on this kind of host."""


class EngineError(KsegError):
    """This host lacks what an engine needs, such as memory that can be made executable."""


class ImageError(KsegError):
    """A kernel image cannot be loaded."""


class DiskImageError(KsegError):
    """A disk image cannot be opened, created or resized."""


class DiskDamageError(DiskImageError):
    """What is on a disk image contradicts itself."""

    exit_code = 7


class StateError(KsegError):
    """A saved state does not fit the machine that is to load it."""


class LogError(KsegError):
    """A log of a recorded run cannot be read or written."""


class DivergenceError(LogError):
    """A run that is repeated does something else than the recorded one did."""

    exit_code = 6


class GuestFatal(KsegError):
    """The guest did what the hardware does not survive (System/161 says it "hangs")."""

    exit_code = 1


class DoomReached(KsegError):
    """The doom counter (option -D) came to zero: the power fails in the middle of a write."""

    exit_code = 3


class BusError(Exception):
    """Nothing answers at a physical address, or not to this kind of access.

    Not for users: the processor turns it into a DBE exception.
    """
