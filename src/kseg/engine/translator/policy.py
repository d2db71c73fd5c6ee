"""When the translator looks where the guest is, and what it then thinks worth its while."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """The translator's numbers."""

    shortest_look: int = 100_000
    """Cycles between two looks at where the guest is, while it runs untranslated code."""
    longest_look: int = 20_000_000
    """The same, while it does not."""
    waiting_look: int = 2_000_000
    """The same, while an answer of the compiler is expected."""
    threshold: int = 2
    """Looks that must find untranslated code in the same page."""
    recompile_threshold: int = 3
    """Looks that must find code of the first tier in the same page."""
    patience: int = 2_000_000
    """Cycles of untranslated code before anything is translated: a machine that is soon over should
    not pay for a start of the compiler."""
    long_life: int = 100_000_000
    """Cycles after which a translation was worth making, whatever then becomes of its page."""
    arena: int = 64 << 20
    """Bytes of native code at most."""
    most_instructions: int = 400
    """Guest instructions in one translation at most."""
    most_pending: int = 2
    """Requests to the compiler at one time."""
