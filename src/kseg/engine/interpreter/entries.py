"""Entries of code pages, as handlers find their way among them."""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import (
    CODE_PAGE_HOST,
    CODE_PAGE_STRIDE,
    SHARED_OFFSETS,
)


def handler_of(b: FunctionBuilder, table: str, operation: Operand) -> Operand:
    """The handler for an i64 operation in one of the tables of Shared."""
    shared = fields.load_pointer(b, "shared")
    at = b.emit(f"shl i64 {operation}, 3")
    return b.load("ptr", b.offset(shared, SHARED_OFFSETS[table]), at)


def code_page_of(b: FunctionBuilder, entry: Operand) -> Operand:
    """The code page that holds an entry."""
    address = b.emit(f"ptrtoint ptr {entry} to i64")
    return b.emit(f"inttoptr i64 {b.emit(f'and i64 {address}, -{CODE_PAGE_STRIDE}')} to ptr")


def entry_number(b: FunctionBuilder, entry: Operand) -> Operand:
    """The number of an entry in its page, an i64."""
    address = b.emit(f"ptrtoint ptr {entry} to i64")
    inside = b.emit(f"and i64 {address}, {CODE_PAGE_STRIDE - 1}")
    return b.emit(f"lshr i64 {inside}, 4")


def entry_host(b: FunctionBuilder, entry: Operand) -> Operand:
    """The host address of an entry's instruction."""
    host = b.load("ptr", code_page_of(b, entry), CODE_PAGE_HOST)
    return b.offset(host, b.emit(f"shl i64 {entry_number(b, entry)}, 2"))


def word_at(b: FunctionBuilder, host: Operand, big_endian: bool) -> Operand:
    """The instruction at a host address, an i32."""
    word = b.load("i32", host)
    return b.emit(f"call i32 @llvm.bswap.i32(i32 {word})") if big_endian else word
