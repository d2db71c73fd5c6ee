"""What of this run's hot code was hot in earlier runs, and what the next one should know of it."""

from typing import Protocol

from kseg.engine.interpreter.layout import Context
from kseg.engine.translator.code_pages import CodePages
from kseg.engine.translator.compilation.account import LINE, Record

WORTH = 40_000_000
"""Cycles outside compiled code that a run must have in a page for its code to be compiled in the
next: some 30 milliseconds, a third of what the compiler then takes."""
LATER = 2
"""Each time that the compiler has been asked, it takes two to this power times as many cycles until
it is asked again: what it left is what it can do little about."""
MOST_IN_A_PAGE = 8
"""Kinds of code that are told apart at one virtual page."""


class RunsAccount(Protocol):
    """The account of all runs (`kseg.engine.translator.compilation.account.Account`)."""

    def records(self, page: int) -> list[Record]:
        """What is known of code in a virtual page."""

    def claim(self, record: Record, share: float) -> float:
        """The seconds granted to the compiler because this code is hot again."""

    def settle(self, records: list[Record], owed: float) -> None:
        """Note these; the compiler owes so many seconds."""


def is_known(account: RunsAccount, context: Context, pc: int) -> bool:
    """Is the code that a processor executes known from earlier runs?"""
    known = account.records(pc >> 12)
    code_page = CodePages.at(context, pc >> 12) if known else 0
    return bool(code_page) and any(_is_there(record, code_page) for record in known)


def _is_there(record: Record, code_page: int) -> bool:
    return CodePages.content(code_page, record.pc, LINE) == record.content


class HotCode:
    """Code of one page that is hot in this run and not compiled."""

    def __init__(self, record: Record, *, is_due: bool) -> None:
        self.record, self.is_due = record, is_due
        """Was it worth compiling in an earlier run, and is it time for that?"""
        self.cycles = 0
        self.is_asked = False
        """Has the compiler been asked, for whatever reason?"""
        self.granted: float | None = None
        """The seconds that the account has granted for it; None: not claimed."""


class Recurrence:
    """One machine's dealings with the account."""

    def __init__(self, account: RunsAccount, share: float) -> None:
        """`share` is what the compiler may have of a run's time."""
        self._account, self._share = account, share
        self._found: dict[int, list[HotCode]] = {}

    def sample(self, pc: int, code_page: int, cycles: int) -> HotCode | None:
        """Code in this page ran for so many cycles, and is not compiled; None if there is too much
        to remember."""
        page = pc >> 12
        if page not in self._found:
            known = self._account.records(page)
            self._found[page] = [HotCode(record, is_due=record.is_due) for record in known]
        found = self._found[page]
        for hot in found:
            if _is_there(hot.record, code_page):
                break
        else:
            if len(found) >= MOST_IN_A_PAGE:
                return None
            line = pc & -LINE
            record = Record(line, CodePages.content(code_page, line, LINE))
            hot = HotCode(record, is_due=False)
            found.append(hot)
        hot.cycles += cycles
        return hot

    def claim(self, hot: HotCode) -> float:
        """The seconds that the compiler may take for it because it is hot again."""
        if hot.granted is None:
            hot.granted = self._account.claim(hot.record, self._share) if hot.is_due else 0.0
            hot.is_due = hot.granted > 0
        return hot.granted

    @property
    def has_claimed(self) -> bool:
        """Has the account granted anything?"""
        return any(hot.granted for hot in self._all)

    def settle(self, owed: float) -> None:
        """The machine has ended; its compiler still owes so many seconds."""
        self._account.settle(self._worth_noting(), owed)
        self._found.clear()

    @property
    def _all(self) -> list[HotCode]:
        """What has been hot in this run."""
        return [hot for found in self._found.values() for hot in found if hot.cycles]

    def _worth_noting(self) -> list[Record]:
        asked = max((hot.record.asked for hot in self._all), default=0)
        worth = WORTH << min(LATER * asked, 40)
        noted = []
        for hot in self._all:
            if hot.granted:
                continue  # the account knows
            if hot.is_asked or (hot.is_due and self.has_claimed):
                # Also what there was no time for: the next run shall not have to pay again.
                noted.append(hot.record._replace(asked=min(asked + 1, 255), is_due=False))
            elif hot.cycles >= worth:
                noted.append(hot.record._replace(asked=asked, is_due=not self.has_claimed))
        return [each for each in noted if each not in self._account.records(each.pc >> 12)]
