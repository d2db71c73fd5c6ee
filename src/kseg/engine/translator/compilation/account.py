"""The account of all runs: which code was hot in earlier ones, and what they and their compilers
have cost. A file of the cache, one for each key of translations.

Whether a compiler pays is a ski rental: interpreting is rent, and who knew how often a run will be
repeated would know when to buy. A first run cannot know; it is bounded by its own time (`budget`).
Code that was worth it in a run and is hot again in another is bought at once, in the second run,
as long as all compilers together have had no more than a part of what all runs have (`BEGINNING`
aside). So that is bounded however many runs there are, whoever runs them at the same time, and
wherever one is cut short: what a run may spend is paid before it is spent, and what is left over is
paid back when the run ends.
"""

import functools
import os
import struct
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from kseg.engine.codegen import cache
from kseg.engine.translator.compilation import budget
from kseg.engine.translator.compilation.keys import key_for
from kseg.platform.locks import locked_directory

KIND = "account"
LINE = 64
"""Bytes of guest code by which a page of it is recognised, at a multiple of as many."""
MOST_RECORDS = 256
"""Those that have not been noted for longest go."""
RECURRING = 5
"""All compilers of all runs may have so many times the share that one may have in a run."""
LONGEST_WAIT = 0.2
"""Seconds to wait for another process that writes the account."""

_TOTALS = struct.Struct("<QQ")
_RECORD = struct.Struct(f"<I{LINE}sB?")


class Record(NamedTuple):
    """Guest code that was hot in some run."""

    pc: int
    """The virtual address of `content`."""
    content: bytes
    """A line of code in its page, as it was."""
    asked: int = 0
    """In how many runs the compiler has been asked for code in that page."""
    is_due: bool = True
    """Is it to be asked when the code is hot again?"""

    def is_same(self, other: "Record") -> bool:
        return (self.pc, self.content) == (other.pc, other.content)


class Book(NamedTuple):
    """What is in the file. Times are in microseconds of processor time, of all runs that had
    anything to write."""

    used: int = 0
    """Of the processes of machines."""
    spent: int = 0
    """Of their compilers."""
    records: tuple[Record, ...] = ()
    """The latest first."""

    def encode(self) -> bytes:
        records = [_RECORD.pack(*each) for each in self.records]
        return b"".join((_TOTALS.pack(self.used, self.spent), *records))

    @classmethod
    def decode(cls, content: bytes) -> "Book":
        """An empty one for what is none."""
        rows = len(content) - _TOTALS.size
        if rows < 0 or rows % _RECORD.size or rows // _RECORD.size > MOST_RECORDS:
            return cls()
        records = [
            Record(pc, line, asked, is_due)
            for pc, line, asked, is_due in _RECORD.iter_unpack(content[_TOTALS.size :])
            if not pc % LINE
        ]
        used, spent = _TOTALS.unpack_from(content)
        return cls(used, spent, tuple(records))

    def with_records(self, new: Iterable[Record]) -> "Book":
        """With these before all others, in place of those for the same code."""
        ahead = {(each.pc, each.content): each for each in new}
        others = (each for each in self.records if (each.pc, each.content) not in ahead)
        return self._replace(records=(*ahead.values(), *others)[:MOST_RECORDS])


class Account:
    """The account of one processor profile and byte order, as this process knows it."""

    def __init__(self, profile_name: str, byte_order: str) -> None:
        self._key = key_for(profile_name, byte_order)
        self._by_page: dict[int, list[Record]] = {}
        self._know(self._read())
        self._owner = os.getpid()
        self._used = self._spent = self._advanced = 0
        """Of this process: what is in the book already, and what it was paid in advance."""

    @property
    def is_empty(self) -> bool:
        """Is no code known?"""
        return not self._by_page

    def records(self, page: int) -> list[Record]:
        """What is known of code in a virtual page."""
        return self._by_page.get(page, [])

    def claim(self, record: Record, share: float) -> float:
        """The seconds that a compiler may take in this process because of code that is hot again,
        0.0 if none; `share` is what it may take of a run's time. Asked once, in all processes."""
        self._disown()
        granted = False

        def change(book: Book) -> Book:
            nonlocal granted
            used, spent = book.used + self._new_used(), book.spent + self._new_spent()
            may = bool(self._advanced) or spent <= RECURRING * share * used
            granted = may and any(each.is_same(record) and each.is_due for each in book.records)
            if not granted:
                return book
            advance = 0 if self._advanced else round(budget.BEGINNING * 1e6)
            asked = record._replace(asked=min(record.asked + 1, 255), is_due=False)
            return book._replace(spent=book.spent + advance).with_records([asked])

        if not (share and self._update(change) and granted):
            return 0.0
        self._advanced = round(budget.BEGINNING * 1e6)
        return budget.BEGINNING

    def settle(self, records: Iterable[Record], owed: float) -> None:
        """A machine has ended: note these records, and what this process and its compilers have
        taken since the last time; its compiler will take so many seconds more (`owed`)."""
        self._disown()
        records = list(records)
        if not records and not self._advanced and not self._new_spent():
            return

        def change(book: Book) -> Book:
            spent = book.spent + self._new_spent() + round(owed * 1e6) - self._advanced
            used = book.used + self._new_used()
            return book._replace(used=used, spent=max(spent, 0)).with_records(records)

        used, spent = self._new_used(), self._new_spent()
        if self._update(change):
            self._used, self._spent = self._used + used, self._spent + spent
            self._advanced = 0

    def _new_used(self) -> int:
        return round(time.process_time() * 1e6) - self._used

    def _new_spent(self) -> int:
        return round(budget.compilers.seconds * 1e6) - self._spent

    def _disown(self) -> None:
        """A copy of the process has used nothing yet."""
        if self._owner != os.getpid():
            self._owner = os.getpid()
            self._used = self._spent = self._advanced = 0

    def _know(self, book: Book) -> None:
        self._by_page.clear()
        for each in book.records:
            self._by_page.setdefault(each.pc >> 12, []).append(each)

    def _read(self) -> Book:
        content = cache.read(KIND, self._key)
        return Book() if content is None else Book.decode(content)

    def _update(self, change: Callable[[Book], Book]) -> bool:
        """Change what is in the file; False if that cannot be done now."""
        try:
            with locked_directory(cache.directory(), LONGEST_WAIT):
                before = self._read()
                book = change(before)
                self._know(book)
                return book == before or cache.write(KIND, self._key, book.encode())
        except OSError:
            return False


@functools.cache
def account_in(_directory: str, profile_name: str, byte_order: str) -> Account:
    return Account(profile_name, byte_order)


def account_for(profile_name: str, byte_order: str) -> Account:
    """The account that all machines of this process have in common."""
    return account_in(str(cache.directory()), profile_name, byte_order)
