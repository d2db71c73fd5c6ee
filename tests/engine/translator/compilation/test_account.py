"""The account of all runs: what is bounded over them, and files that are damaged or foreign."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.engine.codegen import cache
from kseg.engine.translator.compilation import account as account_module
from kseg.engine.translator.compilation import budget, keys
from kseg.engine.translator.compilation.account import (
    KIND,
    LINE,
    MOST_RECORDS,
    RECURRING,
    Account,
    Book,
    Record,
    account_for,
)
from kseg.engine.translator.compilation.budget import BEGINNING
from kseg.platform.locks import locked_directory

SHARE = 0.1
PROFILE = "mips161", "big"

records = st.builds(
    Record,
    st.integers(0, (1 << 32) // LINE - 1).map(LINE.__mul__),
    st.binary(min_size=LINE, max_size=LINE),
    st.integers(0, 255),
    st.booleans(),
)
books = st.builds(
    Book,
    st.integers(0, (1 << 64) - 1),
    st.integers(0, (1 << 64) - 1),
    st.lists(records, max_size=5).map(tuple),
)


def record(number: int = 0) -> Record:
    return Record(0x80020000 + LINE * number, bytes([number % 256]) * LINE)


class Clocks:
    """What this process has used, and its compilers, in seconds."""

    used = seconds = 0.0


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    made = Clocks()
    monkeypatch.setattr(account_module.time, "process_time", lambda: made.used)
    monkeypatch.setattr(budget, "compilers", made)
    return made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


def file(folder: Path) -> Path:
    (path,) = folder.glob(f"{KIND}-*")
    return path


def book() -> Book:
    content = cache.read(KIND, keys.key_for(*PROFILE))
    return Book() if content is None else Book.decode(content)


# What is in the file.


@given(books)
def test_a_book_is_read_as_it_was_written(written: Book) -> None:
    assert Book.decode(written.encode()) == written


@given(st.binary(max_size=300))
def test_any_bytes_are_a_book_or_none(content: bytes) -> None:
    found = Book.decode(content)
    assert found == Book() or len(found.encode()) <= len(content)


@given(books, st.data())
def test_half_a_book_is_none_or_a_shorter_one(written: Book, data: st.DataObject) -> None:
    content = written.encode()
    cut = Book.decode(content[: data.draw(st.integers(0, len(content) - 1))])
    assert cut == Book() or cut.records == written.records[: len(cut.records)]


def test_it_does_not_grow_without_end() -> None:
    full = Book().with_records(record(number) for number in range(MOST_RECORDS))
    fuller = full.with_records([record(MOST_RECORDS), record(7)])
    assert len(fuller.records) == MOST_RECORDS
    assert fuller.records[:2] == (record(MOST_RECORDS), record(7))
    assert fuller.records.count(record(7)) == 1
    assert Book.decode(fuller.encode()) == fuller
    larger = fuller._replace(records=(*fuller.records, record(999)))
    assert Book.decode(larger.encode()) == Book()


def test_the_file_is_the_users_alone(folder: Path) -> None:
    Account(*PROFILE).settle([record()], 0.0)
    assert file(folder).stat().st_mode & 0o777 == 0o600
    assert cache.entries() == [file(folder)]


def test_others_have_their_own() -> None:
    Account(*PROFILE).settle([record()], 0.0)
    for other in (("r3000", "big"), ("mips161", "little")):
        assert Account(*other).is_empty
    assert not Account(*PROFILE).is_empty


# Who gets what.


def test_what_was_hot_in_one_run_is_compiled_in_the_next_and_once() -> None:
    first = Account(*PROFILE)
    assert first.claim(record(), SHARE) == 0
    first.settle([record()], 0.0)
    second, at_the_same_time = Account(*PROFILE), Account(*PROFILE)
    (known,) = second.records(record().pc >> 12)
    assert known == record()
    assert second.claim(known, SHARE) == BEGINNING
    assert at_the_same_time.claim(known, SHARE) == 0
    second.settle([], 0.0)
    (known,) = Account(*PROFILE).records(record().pc >> 12)
    assert (known.asked, known.is_due) == (1, False)
    assert Account(*PROFILE).claim(known, SHARE) == 0


def test_other_bytes_at_its_place_are_not_meant() -> None:
    Account(*PROFILE).settle([record()], 0.0)
    other = record()._replace(content=bytes(LINE - 1) + b"x")
    assert Account(*PROFILE).claim(other, SHARE) == 0


def test_who_wants_no_compiler_gets_none() -> None:
    Account(*PROFILE).settle([record()], 0.0)
    assert Account(*PROFILE).claim(record(), 0.0) == 0
    assert book().records == (record(),)


def test_a_run_pays_beforehand_and_is_paid_back(clocks: Clocks) -> None:
    Account(*PROFILE).settle([record(0), record(1)], 0.0)
    run = Account(*PROFILE)
    assert run.claim(record(0), SHARE) == BEGINNING
    assert book().spent == round(BEGINNING * 1e6)
    assert run.claim(record(1), SHARE) == BEGINNING
    assert book().spent == round(BEGINNING * 1e6)
    clocks.used, clocks.seconds = 0.5, 0.125
    run.settle([], 0.0625)
    assert (book().used, book().spent) == (500_000, 187_500)
    run.settle([], 0.0)
    assert (book().used, book().spent) == (500_000, 187_500)


def test_a_copy_of_the_process_has_used_nothing(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Account(*PROFILE)
    clocks.used = 2.0
    run.settle([record()], 0.0)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    clocks.used = 0.25
    run.settle([record(1)], 0.0)
    assert book().used == 2_250_000


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3), st.floats(0, 1), st.integers(0, 5), st.booleans(), st.booleans()
        ),
        max_size=30,
    )
)
def test_the_share_holds_over_all_runs(
    runs: list[tuple[float, float, int, bool, bool]],
) -> None:
    """Whoever claims spends what it likes of what it has been granted, whether its end is noted or
    it is killed; the others spend their share."""
    used = spent = 0.0
    with pytest.MonkeyPatch.context() as patch:
        clocks = Clocks()
        patch.setattr(account_module.time, "process_time", lambda: clocks.used)
        patch.setattr(budget, "compilers", clocks)
        cache.write(KIND, keys.key_for(*PROFILE), Book().encode())
        for seconds, part, number, claims, is_killed in runs:
            clocks.used, clocks.seconds = seconds / 2, 0.0
            run = Account(*PROFILE)
            known = run.records(record().pc >> 12)
            granted = max(
                (run.claim(each, SHARE) for each in known if claims and each.is_due), default=0.0
            )
            clocks.used, clocks.seconds = seconds, part * max(granted, SHARE * seconds)
            used, spent = used + seconds, spent + clocks.seconds
            assert spent <= BEGINNING + RECURRING * SHARE * used + 1e-4
            if not is_killed:
                run.settle([record(number)], 0.0)


def test_two_processes_at_once() -> None:
    program = (
        "import sys\n"
        "from kseg.engine.translator.compilation import account, keys\n"
        f"keys._sources_key = lambda: {keys._sources_key()!r}\n"
        "account.LONGEST_WAIT = 60\n"
        "for number in range(int(sys.argv[1]), int(sys.argv[1]) + 20):\n"
        f"    line = account.Record(number * {LINE}, bytes({LINE}))\n"
        "    account.Account('mips161', 'big').settle([line], 0.0)\n"
    )
    words = [sys.executable, "-c", program]
    both = [subprocess.Popen([*words, first]) for first in ("0", "20")]
    assert [each.wait() for each in both] == [0, 0]
    assert {each.pc // LINE for each in book().records} == set(range(40))


def test_all_machines_of_a_process_have_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account_for(*PROFILE) is account_for(*PROFILE)
    monkeypatch.setenv("KSEG_CACHE_DIR", str(folder / "other"))
    assert account_for(*PROFILE).is_empty


# What cannot be relied on.


def damage(folder: Path) -> None:
    content = bytearray(file(folder).read_bytes())
    content[40] ^= 1
    file(folder).write_bytes(content)


def cut_short(folder: Path) -> None:
    file(folder).write_bytes(file(folder).read_bytes()[:-1])


def write_nonsense(folder: Path) -> None:
    cache.write(KIND, file(folder).name.partition("-")[2], b"of another version")


def let_others_write(folder: Path) -> None:
    file(folder).chmod(0o666)


@pytest.mark.parametrize("harm", [damage, cut_short, write_nonsense, let_others_write])
def test_what_is_not_sound_is_no_account(harm: Callable[[Path], None], folder: Path) -> None:
    Account(*PROFILE).settle([record()], 0.0)
    harm(folder)
    run = Account(*PROFILE)
    assert run.is_empty
    assert run.claim(record(), SHARE) == 0
    run.settle([record(1)], 0.0)
    assert Account(*PROFILE).records(record(1).pc >> 12) == [record(1)]


@pytest.mark.filterwarnings("ignore::kseg.engine.codegen.cache.CacheWarning")
@pytest.mark.parametrize("why", ["full", "others", "locked", "gone"])
def test_where_nothing_can_be_written_nothing_is_granted(
    why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account(*PROFILE).settle([record()], 0.0)
    before = file(folder).read_bytes()
    run = Account(*PROFILE)
    assert run.records(record().pc >> 12)
    monkeypatch.setattr(account_module, "LONGEST_WAIT", 0.01)
    with monkeypatch.context() as patch:
        if why == "full":
            patch.setattr(cache, "is_full", lambda _: True)
        elif why == "others":
            folder.chmod(0o777)
        elif why == "gone":
            patch.setenv("KSEG_CACHE_DIR", str(folder / "gone"))
        with locked_directory(folder, 0.0) if why == "locked" else patch.context():
            assert run.claim(record(), SHARE) == 0
            run.settle([record(1)], 0.0)
    folder.chmod(0o700)
    assert file(folder).read_bytes() == before
    assert Account(*PROFILE).claim(record(), SHARE) == BEGINNING
