"""Translations on disk: what is not exactly as it was written for this host is not used."""

import errno
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg.engine.codegen import cache as kept
from kseg.engine.interpreter import image
from kseg.engine.interpreter.layout import TRANSLATION_PAGES
from kseg.engine.translator.compilation import keys
from kseg.engine.translator.compilation import store as store_module
from kseg.engine.translator.compilation.messages import Head, Source, Translation
from kseg.engine.translator.compilation.store import MOST_IN_A_PAGE, Store, is_sound
from kseg.engine.translator.engine import Translator
from kseg.engine.translator.llvm.compiler import Compiler
from kseg.engine.translator.tiering.policy import BackEnds
from tests.engine.translator import assembly as a
from tests.engine.translator.test_discovery import BASE, count_down, request
from tests.engine.translator.test_engine import EAGER, board, counting

PAGE = BASE >> 12


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "cache"
    monkeypatch.setenv("KSEG_CACHE_DIR", str(path))
    return path


@cache
def translation() -> Translation:
    """A real one."""
    made = Compiler().translate(request(count_down, seed=BASE + 4))
    assert made is not None
    return made


def another(number: int, size: int = 0) -> Translation:
    """One for other guest code."""
    content = number.to_bytes(12, "big")
    first = translation()
    code = first.code + bytes(size)
    return msgspec.structs.replace(first, code=code, sources=[Source(BASE, content)])


def store() -> Store:
    return Store("mips161", "big")


def file(folder: Path) -> Path:
    """The only file there."""
    [path] = folder.iterdir()
    return path


# What is kept.


def test_what_was_added_is_found_by_the_next_machine() -> None:
    store().add(PAGE, translation())
    assert store().find(PAGE) == [translation()]
    assert store().find(PAGE + 1) == []


def test_the_newest_come_first_and_replace_their_like() -> None:
    ours = store()
    ours.add(PAGE, another(1))
    ours.add(PAGE, another(2))
    ours.add(PAGE, another(1, size=8))
    assert store().find(PAGE) == [another(1, size=8), another(2)]


def test_a_page_keeps_so_many_and_no_more() -> None:
    ours = store()
    for number in range(MOST_IN_A_PAGE + 5):
        ours.add(PAGE, another(number))
    found = store().find(PAGE)
    assert len(found) == MOST_IN_A_PAGE
    assert found[0] == another(MOST_IN_A_PAGE + 4)


def test_all_files_together_have_a_size_and_those_not_used_for_longest_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_BYTES", 50_000)
    ours = store()
    for number in range(40):
        ours.add(number, another(number, size=4000))
        for path in folder.iterdir():  # time passes
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
        if number >= 20:
            assert len(store().find(20)) == 1  # which is a use
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 50_000
    found = [number for number in range(40) if store().find(number)]
    assert found[0] == 20
    assert found[1:] == list(range(40 - len(found) + 1, 40))


def test_files_that_were_never_finished_go(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in (".new-old", ".new-fresh"):
        (folder / name).write_bytes(bytes(100))
    os.utime(folder / ".new-old", (0, 0))
    store().add(PAGE, translation())
    assert not (folder / ".new-old").exists()
    assert (folder / ".new-fresh").exists()


def test_two_that_write_at_once_lose_nothing_but_time(folder: Path) -> None:
    def add(first: int) -> None:
        ours = store()
        for number in range(first, first + 25):
            ours.add(PAGE + number % 3, another(number))

    threads = [threading.Thread(target=add, args=(number,)) for number in (100, 200)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for page in range(PAGE, PAGE + 3):
            assert all(map(is_sound, store().find(page)))
    for thread in threads:
        thread.join()
    for page in range(PAGE, PAGE + 3):
        assert store().find(page)
    assert not list(folder.glob(".new-*"))


# What is not believed.


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def code_changed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(translation().code)
    content[at] ^= 1
    path.write_bytes(content)


def digest_changed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def written_by_all(path: Path) -> None:
    path.chmod(0o666)


def written_by_a_group(path: Path) -> None:
    path.chmod(0o620)


def in_a_directory_written_by_all(path: Path) -> None:
    path.parent.chmod(0o777)


def a_link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def a_link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def of_another_page(path: Path) -> None:
    path.rename(path.with_name(path.name[:-5] + "00001"))
    kept.write("translations", path.name.removeprefix("translations-"), b"")


def gone(path: Path) -> None:
    path.unlink()
    path.parent.rmdir()


@pytest.mark.parametrize(
    "harm",
    [
        truncated,
        emptied,
        code_changed,
        digest_changed,
        written_by_all,
        written_by_a_group,
        in_a_directory_written_by_all,
        a_link,
        a_link_to_nothing,
        a_directory,
        a_pipe,
        of_another_page,
        gone,
    ],
)
@pytest.mark.filterwarnings("ignore::kseg.engine.codegen.cache.CacheWarning")
def test_what_was_tampered_with_is_not_used(harm: Callable[[Path], None], folder: Path) -> None:
    before = store()
    before.add(PAGE, translation())
    harm(file(folder))
    after = store()
    assert before.find(PAGE) == after.find(PAGE) == []
    after.add(PAGE, translation())  # perhaps; at any rate without an error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode("text"),
        msgspec.msgpack.encode([{"code": 1}]),
        msgspec.msgpack.encode([translation().code]),
    ],
)
def test_what_is_no_translation_is_not_used(content: bytes, folder: Path) -> None:
    store().add(PAGE, translation())
    key = file(folder).name.removeprefix("translations-")
    kept.write("translations", key, content)
    assert store().find(PAGE) == []


def test_what_is_not_sound_is_not_used_but_its_neighbours_are(folder: Path) -> None:
    store().add(PAGE, translation())
    key = file(folder).name.removeprefix("translations-")
    unsound = msgspec.structs.replace(translation(), pages_offset=1 << 40)
    kept.write("translations", key, msgspec.msgpack.encode([unsound, translation()]))
    assert store().find(PAGE) == [translation()]


@pytest.mark.parametrize("part", ["_sources_key", "processors.identity"])
def test_another_version_or_processor_has_its_own(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store().add(PAGE, translation())
    with monkeypatch.context() as context:
        context.setattr(f"{keys.__name__}.{part}", lambda: "another")
        assert store().find(PAGE) == []
    assert store().find(PAGE) == [translation()]


def test_other_profiles_and_byte_orders_have_their_own() -> None:
    store().add(PAGE, translation())
    for profile, order in (("r3000", "big"), ("mips161", "little"), ("lsi", "little")):
        assert Store(profile, order).find(PAGE) == []


# Soundness.


def refused(**changes: object) -> bool:
    return not is_sound(msgspec.structs.replace(translation(), **changes))


def test_real_translations_are_sound() -> None:
    assert is_sound(translation())


OUTSIDE = st.integers(max_value=-1) | st.integers(min_value=1 << 20)


@settings(max_examples=200)
@given(data=st.data())
def test_no_field_may_be_at_odds_with_the_others(data: st.DataObject) -> None:
    first = translation()
    size, [head], [source] = len(first.code), first.heads, first.sources
    offset = data.draw(OUTSIDE, "offset")
    wrong = data.draw(
        st.sampled_from(
            [
                {"code": b""},
                {"code": first.code[: first.pages_offset]},
                {"code": first.code[: head.offset]} if head.offset else {"code": b""},
                {"pages_offset": offset},
                {"pages_offset": size - 7},
                {"pages_offset": head.offset},
                {"pages": []},
                {"pages": [offset]},
                {"pages": [PAGE, offset]},
                {"pages": [PAGE, PAGE]},
                {"pages": [PAGE, PAGE + 1]},
                {"pages": [PAGE + 1]},
                {"pages": [PAGE + number for number in range(TRANSLATION_PAGES + 1)]},
                {"heads": []},
                {"heads": [head, head]},
                {"heads": [Head(head.pc, offset)]},
                {"heads": [Head(head.pc, size)]},
                {"heads": [head, Head(head.pc + 4, first.pages_offset)]},
                {"heads": [Head(head.pc + data.draw(st.integers(1, 3)), head.offset)]},
                {"heads": [Head(source.pc + len(source.content), head.offset)]},
                {"heads": [Head(offset << 12, head.offset)]},
                {"heads": [Head(head.pc + (1 << 32), head.offset)]},
                {"sources": []},
                {"sources": [Source(source.pc, b"")]},
                {"sources": [source, Source(source.pc, b"")]},
                {"sources": [Source(source.pc, source.content[:-1])]},
                {"sources": [Source(source.pc + 2, source.content)]},
                {"sources": [Source(offset << 12, source.content)]},
                {"sources": [source, Source(BASE + 0x1000, bytes(4))]},
                {"sources": [source, Source(BASE + 0xFFC, bytes(8))]},
                {"sources": [Source(source.pc, bytes(4100))]},
                {"sources": [Source(head.pc + 4, bytes(8))]},
                {"instructions": 0},
                {"instructions": len(source.content) // 4 + 1},
                {"instructions": offset},
                {"tier": 0},
                {"seconds": -1.0},
                {"seconds": float("nan")},
                {"seconds": float("inf")},
            ]
        ),
        "wrong",
    )
    assert refused(**wrong)


# Where nothing can be kept.


def complaints(act: Callable[[], object]) -> list[str]:
    """The warnings of the cache that reach the user."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    return [str(each.message) for each in caught if each.category is kept.CacheWarning]


@pytest.fixture(scope="module")
def interpreter() -> image.Image:
    """From where it always lies."""
    return image.load("mips161", "big")


def run_a_machine() -> None:
    """One whose compiler is another process, so that it writes nothing itself."""
    memory, states = board(counting())
    back_ends = BackEnds(store=store)
    engine = Translator("mips161", "big", memory, states, thresholds=EAGER, back_ends=back_ends)
    engine.run(2000)
    assert states[0].gpr[a.V0] > 100
    engine.close()


def no_directory(folder: Path, _patch: pytest.MonkeyPatch) -> str:
    folder.write_text("")
    return "KSEG_CACHE_DIR"


def no_place(_folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("KSEG_CACHE_DIR", "/dev/null/cache")
    return "Not a directory"


def for_all(folder: Path, _patch: pytest.MonkeyPatch) -> str:
    folder.mkdir()
    folder.chmod(0o777)
    return "chmod 700"


def of_another_user(_folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(os, "geteuid", lambda: 12345)
    return "another user"


def not_writable(_folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(os, "access", lambda *_: False)  # root may do anything
    return "Permission denied"


def full(folder: Path, patch: pytest.MonkeyPatch) -> str:
    folder.mkdir(mode=0o700)
    status = list(os.statvfs(folder))
    status[3] = status[4] = 0
    patch.setattr(os, "statvfs", lambda _: os.statvfs_result(status))
    return "No space left"


@pytest.mark.parametrize(
    "harm", [no_directory, no_place, for_all, of_another_user, not_writable, full]
)
def test_the_user_hears_once_that_nothing_can_be_kept(
    harm: Callable[[Path, pytest.MonkeyPatch], str],
    interpreter: image.Image,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "load", lambda *_: interpreter)
    expected = harm(folder, monkeypatch)
    [text] = complaints(run_a_machine)
    assert expected in text
    assert complaints(run_a_machine) == []
    assert complaints(lambda: store().add(PAGE, translation())) == []


def test_a_disk_that_becomes_full_is_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store().add(PAGE, translation())
    with monkeypatch.context() as context:
        context.setattr(Path, "replace", fail)
        [text] = complaints(lambda: store().add(PAGE, another(1)))
    assert "No space left" in text
    assert store().find(PAGE) == [translation()]
    assert len(list(folder.iterdir())) == 1


def test_a_missing_directory_is_made_for_its_user_alone(folder: Path) -> None:
    assert complaints(store) == []
    assert folder.stat().st_mode & 0o777 == 0o700


def test_finding_needs_no_compiler() -> None:
    store().add(PAGE, translation())
    program = (
        "import sys\n"
        "from kseg.engine.translator.compilation import keys, store\n"
        # A developer may work on kseg while this runs.
        f"keys._sources_key = lambda: {keys._sources_key()!r}\n"
        f"assert len(store.Store('mips161', 'big').find({PAGE})) == 1\n"
        "sys.exit('llvmlite' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
