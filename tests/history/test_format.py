"""Files that are damaged, foreign or hostile: one line that says so, and nothing worse."""

import os
import random
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kseg import Machine
from kseg.errors import StateError
from kseg.history import format as layout
from kseg.history.files import SnapshotFile, open_snapshot
from tests.history.machines import PREAMBLE_SIZE, busy, everything, packed_again, saved

thorough = settings(
    max_examples=int(os.environ.get("KSEG_FUZZ_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SnapshotFile]:
    with busy() as machine:
        yield saved(machine, tmp_path_factory.mktemp("snapshots") / "good.kseg")


@pytest.fixture(scope="module")
def good(file: SnapshotFile) -> bytes:
    return file.path.read_bytes()


@pytest.fixture(scope="module")
def target() -> Iterator[Machine]:
    """A machine to load into, again and again."""
    with busy(1000) as machine:
        yield machine


def problem(machine: Machine, path: Path, data: bytes) -> str | None:
    """What is said about a file with these bytes; None when it was loaded."""
    path.write_bytes(data)
    try:
        machine.load(path)
    except StateError as error:
        return str(error)
    return None


def refusal(machine: Machine, path: Path, data: bytes) -> str:
    text = problem(machine, path, data)
    assert text is not None
    assert "\n" not in text
    assert text.startswith(f"snapshot {path}: ")
    return text


def test_what_is_wrong_is_said(
    file: SnapshotFile, good: bytes, target: Machine, tmp_path: Path
) -> None:
    later = bytearray(good)
    later[8] = 7
    header, body = bytearray(good), bytearray(good)
    header[PREAMBLE_SIZE + 700] ^= 1
    body[-9] ^= 0x10
    for data, text in [
        (b"", "not a snapshot"),
        (b"\x7fELF" + good, "not a snapshot"),
        (good[:20], "cut short"),
        (good[:500], "cut short: 500 bytes instead of"),
        (good[:-1], "cut short"),
        (good + b"x", "goes on after its end"),
        (bytes(later), "is version 7, this kseg reads 1"),
        (bytes(header), "header does not match its digest"),
        (bytes(body), "is damaged"),
        (good[:12] + b"\xff" * 12 + good[24:], "larger than any machine"),
    ]:
        assert text in refusal(target, tmp_path / "bad", data)
    target.load(file.path)


def test_what_is_no_file(target: Machine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "missing", Path("/dev/zero"), "a\0b"):
        with pytest.raises(StateError):
            target.load(path)


def test_other_machines(good: bytes, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(good)
    for options in ({"ram": "2M"}, {"cpus": 2}, {"share": tmp_path}):
        with (
            busy(0, **options) as machine,
            pytest.raises(StateError, match=r"config|drives"),
        ):
            machine.load(tmp_path / "good")
    with (
        pytest.raises(StateError, match="linked elsewhere"),
        Machine("cms-kuseg", monitor="hybrid", ram="1M") as machine,
    ):
        machine.load(tmp_path / "good")


@thorough
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes(target: Machine, tmp_path: Path, data: bytes, marked: bool) -> None:
    refusal(target, tmp_path / "random", (b"KSEGSNAP\x01\0\0\0" if marked else b"") + data)


@thorough
@given(st.data())
def test_mutated_files(good: bytes, target: Machine, tmp_path: Path, data: st.DataObject) -> None:
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    if changed == good:
        return
    text = problem(target, tmp_path / "mutated", bytes(changed))
    if text is None:  # Bits that zstandard ignores.
        seen = everything(target)
        assert problem(target, tmp_path / "good", good) is None
        assert seen == everything(target)
    else:
        assert text.startswith(f"snapshot {tmp_path / 'mutated'}: ")


STRANGE = [
    None, True, -1, 0, 1, 33, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 0.5,
    "", "x" * 99, b"", b"\xff" * 40, [], [1], [[]], {}, {"a": 1}, {1: b""},
]  # fmt: skip


def strangely_changed(value: Any, rng: random.Random) -> Any:
    """Plain data with something in it replaced, dropped or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.95:
        key = rng.choice(list(value))
        changed = dict(value)
        if rng.random() < 0.1:
            del changed[key]
        else:
            changed[key] = strangely_changed(value[key], rng)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.95:
        changed_list = list(value)
        place = rng.randrange(len(value))
        if rng.random() < 0.2:
            changed_list[place:place] = [value[place]]
        else:
            changed_list[place] = strangely_changed(value[place], rng)
        return changed_list
    return rng.choice(STRANGE)


@thorough
@given(st.integers(0, 1 << 32))
def test_files_that_lie(file: SnapshotFile, target: Machine, tmp_path: Path, seed: int) -> None:
    """Their digests are right. What is loaded all the same must run, if strangely."""
    rng = random.Random(seed)
    header = msgspec.msgpack.decode(msgspec.msgpack.encode(file.header), strict=False)
    data = packed_again(file, strangely_changed(header, rng))
    text = problem(target, tmp_path / "lying", data)
    if text is None:
        target.run(cycles=20_000)
    else:
        assert "\n" not in text


def with_body(packed: bytes, file: SnapshotFile, body: bytes) -> bytes:
    """A file with other compressed pages."""
    header = packed[PREAMBLE_SIZE : -file.body_size]
    signed = packed[:16] + len(body).to_bytes(8, "little")
    return signed + layout.digest(signed + header) + header + body


def test_pages_without_a_checksum(
    file: SnapshotFile, good: bytes, target: Machine, tmp_path: Path
) -> None:
    """As they were written before: each is held to its digest."""
    pages = b"".join(file.pages().values())
    plain = zstandard.ZstdCompressor().compress
    (tmp_path / "plain").write_bytes(with_body(good, file, plain(pages)))
    target.load(tmp_path / "plain")
    other = with_body(good, file, plain(pages[:-1] + bytes([pages[-1] ^ 1])))
    found = refusal(target, tmp_path / "other", other)
    assert f"page {file.header.stored - 1} does not match its digest" in found


def test_bombs(file: SnapshotFile, target: Machine, tmp_path: Path) -> None:
    """A small file must not take more memory than the machine that loads it has."""
    zeros = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 28))
    raw = msgspec.msgpack.decode(msgspec.msgpack.encode(file.header))
    many = {**raw, "digests": os.urandom(32 << 8), "stored": 1 << 8}
    for header, body, text in [
        (raw, zeros, "not as many as its header says"),
        (raw, unsized, "not as many as its header says"),
        (many, zeros, "list of pages is impossible|nothing needs"),
        ({**raw, "stored": 0xFFFFFFFF}, zeros, "list of pages is impossible"),
    ]:
        data = with_body(packed_again(file, header), file, body)
        tracemalloc.start()
        try:
            found = refusal(target, tmp_path / "bomb", data)
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()
        assert re.search(text, found)


def test_pages_are_stored_once(tmp_path: Path) -> None:
    with busy() as machine:
        for page in range(0x80, 0xC0):
            machine.memory.write(page * 4096, b"same" * 1024)
        header = saved(machine, tmp_path / "a").header
        used = sum(len(stored.pages) for stored in header.board.regions.values())
        assert used > 64
        assert header.stored <= used - 63 + sum(len(d.pages) for d in header.board.disks.values())
        assert open_snapshot(tmp_path / "a").size < 200_000
