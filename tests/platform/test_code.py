"""Executable memory: never writable at the same time, and seen by instruction fetches."""

import ctypes
from pathlib import Path

import pytest

from kseg.platform import code, host, instruction_cache
from kseg.platform.code import CodeMemory, NativeCodeError
from kseg.platform.memory import PAGE_SIZE

SEVEN = {
    # mov eax, 7; ret
    "x86_64": bytes.fromhex("b807000000 c3"),
    # mov w0, #7; ret
    "aarch64": bytes.fromhex("e0008052 c0035fd6"),
}
"""A function that returns 7."""


def protection(address: int) -> str:
    """As the host shows it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, end = (int(each, 16) for each in line.split()[0].split("-"))
        if first <= address < end:
            return line.split()[1]
    raise AssertionError("not mapped")


def test_what_was_written_can_be_called_and_written_again() -> None:
    memory = CodeMemory(2 * PAGE_SIZE)
    assert memory.address % PAGE_SIZE == 0
    for offset in (0, PAGE_SIZE, 0):
        memory.write(offset, SEVEN[host.PROCESSOR])
        assert ctypes.CFUNCTYPE(ctypes.c_int)(memory.address + offset)() == 7


def test_it_is_executable_or_writable() -> None:
    memory = CodeMemory(2 * PAGE_SIZE)
    memory.write(0, b"code")
    assert protection(memory.address) == "r-xp"
    assert protection(memory.address + PAGE_SIZE) == "rw-p"


def test_caches_are_synchronised_after_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """AArch64 executes what was there before otherwise, now and then; emulators hide that."""
    done: list[tuple[int, int]] = []
    executable: list[str] = []

    def clear(begin: int, end: int) -> None:
        done.append((begin, end))
        executable.append(protection(begin))

    monkeypatch.setattr(host, "PROCESSOR", "aarch64")
    monkeypatch.setattr(instruction_cache, "_clear_cache", lambda: clear)
    memory = CodeMemory(2 * PAGE_SIZE)
    done.clear()
    memory.write(PAGE_SIZE, b"12345678")
    begin = memory.address + PAGE_SIZE
    assert done == [(begin, begin + 8)]
    assert executable[-1] == "r-xp"


def test_the_function_that_synchronises_is_there() -> None:
    memory = CodeMemory(PAGE_SIZE)
    instruction_cache._clear_cache()(memory.address, memory.address + 64)


def test_x86_64_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PROCESSOR", "x86_64")
    monkeypatch.delattr(instruction_cache, "_clear_cache")
    instruction_cache.synchronise(0, 8)


def test_without_it_there_is_no_native_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_address: int, _length: int) -> None:
        raise OSError("libgcc_s.so.1: cannot open shared object file")

    monkeypatch.setattr(instruction_cache, "synchronise", lost)
    with pytest.raises(NativeCodeError, match=r"caches cannot be synchronised \(libgcc_s"):
        CodeMemory(PAGE_SIZE)


def test_what_cannot_be_had_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NativeCodeError, match="no memory for"):
        CodeMemory(1 << 60)
    monkeypatch.setattr(code.mmap, "PROT_EXEC", 1 << 12)  # which no system knows
    with pytest.raises(NativeCodeError, match="lets no memory be made executable"):
        CodeMemory(PAGE_SIZE)
