"""Dropping translations: when an instruction that one was made from may have changed.

The code of a translation is not freed here; it is only not entered any more.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import (
    CODE_PAGE_COVERED,
    CODE_PAGE_HEADS,
    CODE_PAGE_TRANSLATED,
    ENTRIES,
    ENTRY_SIZE,
    SHARED_OFFSETS,
    TRANSLATION_PAGES,
    TranslationRecord,
)

_RECORD_SHIFT = 6
"""log2 of the size of a TranslationRecord."""
assert TranslationRecord.pages.size == 1 << _RECORD_SHIFT


def functions() -> list[str]:
    """The text of every function of this file."""
    return [_drop_translation(), _drop_page()]


def is_covered(b: FunctionBuilder, code_page: Operand, number: Operand) -> Operand:
    """May a translation depend on the instruction i64 `number` of the page? An i1."""
    byte = b.load("i8", b.offset(code_page, CODE_PAGE_COVERED), b.emit(f"lshr i64 {number}, 3"))
    bit = b.emit(f"trunc i64 {b.emit(f'and i64 {number}, 7')} to i8")
    return b.emit(f"trunc i8 {b.emit(f'lshr i8 {byte}, {bit}')} to i1")


def drop_if_translated(b: FunctionBuilder, code_page: Operand) -> None:
    """Drop every translation that covers something of the page."""
    translated = b.load("i64", code_page, CODE_PAGE_TRANSLATED)
    with b.if_(b.emit(f"icmp ne i64 {translated}, 0"), "unlikely"):
        b.do(f"call void @drop_page(ptr %context, ptr {code_page})")


def clear_translated(b: FunctionBuilder, code_page: Operand) -> None:
    """Note that no translation covers anything of the page."""
    b.store("i64", "0", code_page, CODE_PAGE_TRANSLATED)
    for word in range(ENTRIES // 64):
        b.store("i64", "0", code_page, CODE_PAGE_COVERED + 8 * word)


def _record(b: FunctionBuilder, number: Operand) -> Operand:
    records = fields.shared_pointer(b, "translations")
    return b.offset(records, b.emit(f"shl i64 {number}, {_RECORD_SHIFT}"))


def _drop_translation() -> str:
    """Take the translation %number out of every page: its code is not entered any more."""
    b = FunctionBuilder(
        "drop_translation", "void", [("ptr", "context"), ("i64", "number")], "hidden"
    )
    record = _record(b, "%number")
    wanted = b.emit("trunc i64 %number to i16")
    with b.count(TRANSLATION_PAGES) as place:
        at = b.emit(f"shl i64 {place}, 3")
        code_page = b.load("ptr", record, at)
        b.store("i64", "0", record, at)
        with b.if_(b.emit(f"icmp ne ptr {code_page}, null")):
            heads = b.offset(code_page, CODE_PAGE_HEADS)
            with b.count(ENTRIES) as entry:
                at_head = b.emit(f"shl i64 {entry}, 1")
                head = b.load("i16", heads, at_head)
                with b.if_(b.emit(f"icmp eq i16 {head}, {wanted}"), "unlikely"):
                    b.store("i16", "0", heads, at_head)
                    first = b.offset(code_page, b.emit(f"mul i64 {entry}, {ENTRY_SIZE}"))
                    b.do(f"call void @reset_entry(ptr %context, ptr {first})")
    b.do("ret void")
    return b.text("noinline")


def _drop_page() -> str:
    """Drop every translation that covers something of %code_page."""
    b = FunctionBuilder("drop_page", "void", [("ptr", "context"), ("ptr", "code_page")], "internal")
    shared = fields.load_pointer(b, "shared")
    with b.count(b.load("i64", shared, SHARED_OFFSETS["translations_used"])) as number:
        record = _record(b, number)
        found = b.variable("i1", "false")
        for place in range(TRANSLATION_PAGES):
            same = b.emit(f"icmp eq ptr {b.load('ptr', record, 8 * place)}, %code_page")
            found.set(b.emit(f"or i1 {found.get()}, {same}"))
        with b.if_(found.get(), "unlikely"):
            b.do(f"call void @drop_translation(ptr %context, i64 {number})")
            dropped = b.load("i64", shared, SHARED_OFFSETS["translations_dropped"])
            dropped = b.emit(f"add i64 {dropped}, 1")
            b.store("i64", dropped, shared, SHARED_OFFSETS["translations_dropped"])
    clear_translated(b, "%code_page")
    b.do("ret void")
    return b.text("noinline")
