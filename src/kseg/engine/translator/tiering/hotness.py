"""Where the guest spends its time: samples of the program counter, and of jumps to registers."""

from kseg.engine.interpreter.layout import JUMPS, Context

SITES_KEPT = 4096
TARGETS_KEPT = 32


class JumpProfile:
    """Which targets jumps to addresses in registers had, from samples."""

    def __init__(self) -> None:
        self._sites: dict[int, dict[int, int]] = {}
        self._seen: dict[int, int] = {}
        """By processor: the jumps that have been taken in."""

    def sample(self, context: Context) -> None:
        """Take in the latest jumps of a processor."""
        new = min(context.jump_count - self._seen.get(context.number, 0), JUMPS)
        if new <= 0:
            return
        first = context.jump_count - new
        self._seen[context.number] = context.jump_count
        if len(self._sites) > SITES_KEPT:
            self._sites.clear()
        jumps = context.jumps
        for number in range(first, first + new):
            jump = jumps[number % JUMPS]
            targets = self._sites.setdefault(jump & 0xFFFFFFFF, {})
            target = jump >> 32
            if target in targets or len(targets) < TARGETS_KEPT:
                targets[target] = targets.get(target, 0) + 1

    def targets(self) -> dict[int, list[int]]:
        """By the address of the jump: its targets, the most frequent first."""
        return {
            site: sorted(targets, key=lambda target: -targets[target])
            for site, targets in self._sites.items()
        }


class HotnessCounters:
    """Hotness counters of code that is not translated, by physical page: from samples, not
    counted."""

    PAGES_KEPT = 4096

    def __init__(self, threshold: int) -> None:
        """`threshold` is the number of cycles in one page that make it worth a translation."""
        self._threshold = threshold
        self._samples: dict[int, int] = {}
        self._backed_off: dict[int, int] = {}

    def sample(self, page: int, cycles: int) -> bool:
        """Code in a physical page was running, for `cycles` as far as can be seen: is it time to
        translate?"""
        if len(self._samples) > self.PAGES_KEPT:
            self._samples.clear()
        count = self._samples.get(page, 0) + cycles
        self._samples[page] = count
        if count < self._threshold << min(self._backed_off.get(page, 0), 24):
            return False
        self._samples[page] = 0
        return True

    def back_off(self, page: int) -> None:
        """A translation of code in the page was of no use, or not for long: be slower to make
        another, twice as slow each time. So a guest that keeps rewriting its code does not keep
        the compiler busy."""
        if len(self._backed_off) > self.PAGES_KEPT:
            self._backed_off.clear()
        self._backed_off[page] = self._backed_off.get(page, 0) + 1
