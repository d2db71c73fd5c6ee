"""What is different between targets: their relocations, found in code that LLVM makes for them."""

import capstone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg.engine.codegen import targets
from kseg.engine.codegen.linker import link
from kseg.engine.codegen.llvm import CodeGenerator, compile_module
from kseg.engine.codegen.targets import aarch64
from kseg.engine.interpreter.image import FUNCTIONS
from kseg.engine.interpreter.module import build
from kseg.engine.translator.discovery import discover
from kseg.engine.translator.llvm.emitter import emit, head_name
from kseg.platform import host
from kseg.platform.code import NativeCodeError
from tests.engine.translator.test_discovery import count_down, request

MODULE = """
@numbers = internal constant [4 x i32] [i32 3, i32 5, i32 7, i32 11], align 16
@more = internal global [3 x i64] [i64 1, i64 2, i64 3], align 8

define internal i32 @inner(i32 %n) noinline {
  %at = getelementptr i32, ptr @numbers, i32 %n
  %found = load i32, ptr %at
  ret i32 %found
}
define i64 @outer(i32 %n) {
  call void @enter_code()
  %a = call i32 @inner(i32 %n)
  %wide = zext i32 %a to i64
  %b = load volatile i64, ptr getelementptr ([3 x i64], ptr @more, i64 0, i64 2)
  %sum = add i64 %wide, %b
  ret i64 %sum
}
define <4 x i32> @vector(<4 x i32> %n) {
  %sum = add <4 x i32> %n, <i32 3, i32 1, i32 4, i32 1>
  ret <4 x i32> %sum
}
"""

ISB = bytes.fromhex("df3f03d5")

DISASSEMBLERS = {
    "x86_64": capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64),
    "aarch64": capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM),
}


def listing(name: str, code: bytes, at: int = 0) -> list[tuple[str, str]]:
    """Instructions and their operands, up to the first return."""
    found = []
    for instruction in DISASSEMBLERS[name].disasm(code[at:], at):
        found.append((instruction.mnemonic, instruction.op_str))
        if instruction.mnemonic == "ret":
            break
    return found


@pytest.mark.parametrize("name", targets.NAMES)
def test_code_stands_by_itself_on_every_target(name: str) -> None:
    blob = compile_module(MODULE, targets.named(name))
    assert set(blob.symbols) == {"outer", "vector"}
    assert listing(name, blob.code, blob.symbols["outer"])[-1][0] == "ret"
    tables = blob.code.index(b"".join(n.to_bytes(4, "little") for n in (3, 5, 7, 11)))
    assert not tables % 16


def test_where_aarch64_enters_it_fetches_anew() -> None:
    blob = compile_module(MODULE, targets.named("aarch64"))
    assert ("isb", "") in listing("aarch64", blob.code, blob.symbols["outer"])


@pytest.mark.parametrize(("name", "reads"), [("x86_64", "rdtsc"), ("aarch64", "mrs")])
def test_the_counter_is_one_that_programs_can_read(name: str, reads: str) -> None:
    module = "define i64 @read() {\n  %t = call i64 @host_ticks()\n  ret i64 %t\n}\n"
    blob = compile_module(module, targets.named(name))
    found = dict(listing(name, blob.code, blob.symbols["read"]))
    assert reads in found
    assert name != "aarch64" or "cntvct_el0" in found[reads]


def test_aarch64_reaches_its_constants() -> None:
    blob = compile_module(MODULE, targets.named("aarch64"))
    constant = b"".join(n.to_bytes(4, "little") for n in (3, 1, 4, 1))
    at = blob.symbols["vector"]
    (page, low) = listing("aarch64", blob.code, at)[:2]
    assert page[0] == "adrp"
    assert low[0] == "ldr"
    base = int(page[1].split("#")[1], 16)
    offset = int(low[1].split("#")[1].rstrip("]"), 16) if "#" in low[1] else 0
    assert blob.code[base + offset :][:16] == constant


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_translation_stands_by_itself_on_every_target(name: str) -> None:
    target = targets.named(name)
    generator = CodeGenerator(target)
    region = discover(request(count_down))
    assert region is not None
    blob = generator.blob(generator.parse(emit(region, big_endian=True)))
    assert {"pages", head_name(0)} <= set(blob.symbols)
    assert not blob.symbols["pages"] % 8


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "byte_order"), [("mips161", "big"), ("r3000", "little")])
def test_the_interpreter_stands_by_itself_on_aarch64(profile: str, byte_order: str) -> None:
    blob = compile_module(build(profile, byte_order).text, targets.named("aarch64"))
    assert set(FUNCTIONS) <= set(blob.symbols)
    words = [blob.code[at : at + 4] for at in range(0, len(blob.code), 4)]
    assert 1 <= words.count(ISB) <= 4  # where handlers are entered, and not in them


def test_an_unknown_processor_has_no_native_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "PROCESSOR", "riscv64")
    with pytest.raises(NativeCodeError, match="native code for x86_64 and aarch64 only"):
        targets.native()


def test_code_of_another_target_is_refused() -> None:
    other = next(name for name in targets.NAMES if name != host.PROCESSOR)
    generator = CodeGenerator(targets.named(other))
    made = generator.object(generator.parse(generator.target.prelude + MODULE))
    with pytest.raises(NativeCodeError, match=f"not for {host.PROCESSOR}"):
        link(made, targets.native())


def test_code_that_refers_to_something_outside_is_refused() -> None:
    text = "declare i32 @missing()\ndefine i32 @f() { %a = call i32 @missing() ret i32 %a }"
    with pytest.raises(NativeCodeError, match="refers to missing outside itself"):
        compile_module(text)


@pytest.mark.parametrize("name", targets.NAMES)
def test_an_unknown_relocation_is_refused(name: str) -> None:
    with pytest.raises(NativeCodeError, match=r"does not know \(999\)"):
        targets.named(name).relocate(bytearray(8), 999, 0, 4)


def patched(kind: int, word: int, place: int, to: int) -> tuple[str, str]:
    """An AArch64 instruction at `place`, once it refers to `to`."""
    image = bytearray(place + 4)
    image[place:] = word.to_bytes(4, "little")
    aarch64.relocate(image, kind, place, to)
    return listing("aarch64", bytes(image), place)[0]


places = st.integers(0, 5000).map(lambda n: 4 * n)


@given(places, st.integers(-1 << 25, (1 << 25) - 1))
def test_branches(place: int, distance: int) -> None:
    to = place + 4 * distance
    shown = f"#0x{to & (1 << 64) - 1:x}" if to & (1 << 64) - 1 > 9 else f"#{to}"
    for kind, word in ((282, 0x14000000), (283, 0x94000000)):
        assert patched(kind, word, place, to) == ("b" if kind == 282 else "bl", shown)


@given(places, st.integers(0, (1 << 20) - 1), st.sampled_from([(286, 3), (299, 4), (277, 0)]))
def test_an_address_in_two_parts(place: int, to: int, low: tuple[int, int]) -> None:
    kind, scale = low
    to = to >> scale << scale
    base = int(patched(275, 0x90000000, place, to)[1].split("#")[1], 0)
    word = {286: 0xF9400000, 299: 0x3DC00000, 277: 0x91000000}[kind]
    operands = patched(kind, word, place, to)[1]
    offset = int(operands.split("#")[1].rstrip("]"), 0) if "#" in operands else 0
    assert base + offset == to


def test_what_does_not_fit_is_refused() -> None:
    for kind, to, said in ((282, 1 << 28, "too far"), (275, 1 << 33, "too far"), (286, 4, "of 8")):
        with pytest.raises(NativeCodeError, match=said):
            aarch64.relocate(bytearray(4), kind, 0, to)
