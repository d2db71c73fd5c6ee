"""The tiering's numbers: when the guest is sampled, and what counts as hot."""

from typing import NamedTuple


class Thresholds(NamedTuple):
    """The translator's numbers."""

    shortest_interval: int = 300_000
    """Cycles between two samples, at least."""
    longest_interval: int = 10_000_000
    """The same, while nearly all that it runs is translated."""
    mostly: int = 4
    """How much that is: all but one part in two to this power."""
    waiting_interval: int = 2_000_000
    """The same, while an answer of the compiler is expected."""
    threshold: int = 500_000
    """Cycles of untranslated code in one page before the compiler is asked."""
    copy_threshold: int = 4_000_000
    """The same before stencils are copied, for which the guest waits."""
    recompile_threshold: int = 5_000_000
    """Cycles of the first tier's code in one page before the compiler is asked again."""
    patience: int = 100_000_000
    """Cycles of untranslated code before anything is translated: a machine that is soon over should
    pay neither for the stencils nor for a compiler."""
    long_life: int = 100_000_000
    """Cycles after which a translation was worth making, whatever then becomes of its page."""
    arena: int = 64 << 20
    """Bytes of native code at most."""
    most_instructions: int = 400
    """Guest instructions in one translation at most."""
    most_pending: int = 8
    """Requests to the compiler at one time."""

    @classmethod
    def with_share(cls, percent: int) -> "Thresholds":
        """Those of a machine whose compiler may take so large a share of the processor time: less
        patience where that is more than usual."""
        usual = cls()
        return usual._replace(patience=min(usual.patience, 10 * usual.patience // max(percent, 1)))
