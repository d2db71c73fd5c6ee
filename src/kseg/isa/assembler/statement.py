"""Statements of a source, parsed: labels, then a directive or an instruction, or a definition."""

from collections import Counter
from dataclasses import dataclass, field

from kseg.isa.assembler.directives import (
    ALIGNMENTS,
    HANDLED,
    IGNORED,
    REFUSED,
    SHORT_SECTIONS,
    STRINGS,
)
from kseg.isa.assembler.expression import (
    Cursor,
    Expression,
    Number,
    UndefinedError,
    Value,
    evaluate,
)
from kseg.isa.assembler.lexer import Token, tokens_of, unescape
from kseg.isa.assembler.operand import RegisterNames, Written, declared_names, read_operands
from kseg.isa.assembler.problem import FatalSourceError, Problem, SourceError, SourceLocation
from kseg.isa.assembler.reader import Files, Reader
from kseg.isa.assembler.section import Section, section_named
from kseg.isa.assembler.source import Line
from kseg.isa.assembler.statement_text import split_columns


@dataclass(slots=True)
class Statement:
    """One statement. `name` is the directive or mnemonic, "=" for a definition of `symbol`, ""
    for labels alone."""

    place: SourceLocation
    labels: list[str] = field(default_factory=list)
    name: str = ""
    symbol: str = ""
    """Also the option of .set."""
    operands: list[Written] = field(default_factory=list)
    expressions: list[Expression] = field(default_factory=list)
    repeats: dict[int, Expression] = field(default_factory=dict)
    """How often a number is repeated (``.word 0:10``), by its index."""
    data: bytes = b""
    """Of a string, of .incbin, or floating-point numbers."""
    section: Section | None = None
    address: int | None = None
    """Where it was, if it is a line that a disassembler printed."""


class Parser:
    """Parses a source: `statements`, and what is wrong in `problems`."""

    def __init__(self, profile: str, files: Files | None) -> None:
        self.files = files
        self.names = RegisterNames(profile)
        self.weak: set[str] = set()
        """Names that are 0 where nothing defines them."""
        self.statements: list[Statement] = []
        self.problems: list[Problem] = []
        self.hopeless = False
        """Was reading given up?"""
        self.address: int | None = None
        """Of the first line that a disassembler printed."""
        self.says_order = False
        """Does the source say what it means by delay slots?"""
        self._locals: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}
        """Values of names that are numbers, as far as the source has been read."""
        self._defined: set[str] = set()
        self._position_independent: SourceLocation | None = None

    def parse(self, source: str, name: str) -> None:
        self.names = RegisterNames(self.names.profile, declared_names(source))
        try:
            for line in Reader(source, name, self, self.files, self.problems):
                self._line(line)
        except FatalSourceError as error:
            self.hopeless = True
            place = self.statements[-1].place.main if self.statements else SourceLocation(name, 1)
            self.problems.append(Problem(place, f"at or behind this line: {error}"))
        if self._position_independent:
            self.problems.append(Problem(self._position_independent, _refusal(".abicalls")))

    def _line(self, line: Line) -> None:
        address, text = split_columns(line.text)
        statement = Statement(line.place, address=address)
        if address is not None and self.address is None:
            self.address, self.says_order = address, True
        try:
            self._parse(statement, Cursor(tokens_of(text), self._local))
        except SourceError as error:
            self.problems.append(Problem(line.place, str(error)))
            # Its labels still count, lest every use of them be an error too.
            statement = Statement(line.place, statement.labels)
        self._defined.update(statement.labels)
        if statement.name == "=":
            self._define_number(statement)
        self.statements.append(statement)

    # What the reader asks.

    def number(self, text: str) -> int:
        """The value of an expression of numbers that are known by now."""
        cursor = Cursor(tokens_of(text), self._local)
        expression = cursor.expression()
        cursor.expect_end()
        try:
            return evaluate(expression, self._known).number
        except UndefinedError as error:
            raise SourceError(f"{error}, as a number, where it is needed to read on") from None

    def is_defined(self, name: str) -> bool:
        return name in self._defined

    def _known(self, name: str) -> Value:
        if name not in self._numbers:
            raise UndefinedError(f"{name} is not known")
        return Value(self._numbers[name])

    def _define_number(self, statement: Statement) -> None:
        self._defined.add(statement.symbol)
        try:
            value = evaluate(statement.expressions[0], self._known)
            self._numbers[statement.symbol] = value.number
        except SourceError:
            self._numbers.pop(statement.symbol, None)

    # Parsing.

    def _local(self, reference: str) -> str:
        """``1b`` is the last label 1 so far, ``1f`` the next one."""
        number = str(int(reference[:-1]))
        return f"{number}#{self._locals[number] + (reference[-1] == 'f')}"

    def _parse(self, statement: Statement, cursor: Cursor) -> None:
        while cursor.peek().kind in ("name", "register", "number") and cursor.peek(1).text == ":":
            statement.labels.append(self._label(cursor.next()))
            cursor.next()
        if cursor.peek().kind == "end":
            return
        if cursor.peek().kind in ("name", "register") and cursor.peek(1).text in ("=", "=="):
            self._define(statement, cursor)
            return
        head = cursor.next()
        if head.kind != "name":
            raise SourceError(f"expected an instruction or a directive, not {head.text!r}")
        name = head.text.lower()
        if name in (".equ", ".equiv") or (name == ".set" and cursor.peek(1).text == ","):
            statement.name = name
            self._define(statement, cursor)
        elif name == ".set":
            statement.name = name
            statement.symbol = "".join(cursor.rest())
            self.says_order |= statement.symbol in ("reorder", "noreorder")
        elif name == ".abicalls":
            self._position_independent = statement.place
        elif name in REFUSED:
            raise SourceError(_refusal(name))
        elif name == ".option" and cursor.peek().text == "pic0":
            self._position_independent = None
        elif name in IGNORED or name.startswith(".cfi_"):
            pass
        elif name == ".weak":
            self.weak.update(cursor.rest())
        elif name in STRINGS:
            statement.name = ".ascii"
            end = b"" if name == ".ascii" else b"\0"
            statement.data = b"".join(cursor.several(lambda: _string(cursor) + end))
        elif name in (".float", ".single", ".double"):
            statement.name = name
            statement.data = b"".join(cursor.several(lambda: _float(cursor, name)))
        elif name == ".incbin":
            self._file(statement, cursor)
        elif name in (".section", ".pushsection"):
            statement.name = name
            statement.section = _section(cursor)
        elif name in SHORT_SECTIONS:
            statement.name = ".section"
            statement.section = section_named(SHORT_SECTIONS[name])
            self._expressions(statement, cursor)
        elif name in (".comm", ".lcomm"):
            statement.name = name
            statement.symbol = self._new_name(cursor.next())
            cursor.expect(",")
            self._expressions(statement, cursor)
        elif name.startswith("."):
            if name not in HANDLED:
                raise SourceError(f"no directive {name}")
            statement.name = name
            self._expressions(statement, cursor)
        else:
            statement.name = name
            statement.operands = read_operands(cursor, self.names)

    def _label(self, token: Token) -> str:
        if token.kind == "number":
            number = str(token.value)
            self._locals[number] += 1
            return f"{number}#{self._locals[number]}"
        return self._new_name(token)

    def _new_name(self, token: Token) -> str:
        if token.kind not in ("name", "register") or token.text == ".":
            raise SourceError(f"expected a name, not {token.text!r}")
        if self.names.register(token):
            raise SourceError(f"{token.text} is a register and cannot name anything else")
        return token.text

    def _define(self, statement: Statement, cursor: Cursor) -> None:
        once = statement.name == ".equiv" or cursor.peek(1).text == "=="
        if cursor.peek().text == ".":
            cursor.next()
            cursor.next()
            statement.name = ".org"
            statement.expressions = [cursor.expression()]
        else:
            statement.symbol = self._new_name(cursor.next())
            if not any(cursor.accept(separator) for separator in ("=", "==", ",")):
                cursor.expect(",")
            if self.names.register(cursor.peek()):
                raise SourceError("a name cannot stand for a register: write a macro")
            if once and statement.symbol in self._defined:
                raise SourceError(f"{statement.symbol} is defined twice")
            statement.name = "="
            statement.expressions = [cursor.expression()]
        cursor.expect_end()

    def _file(self, statement: Statement, cursor: Cursor) -> None:
        name = unescape(cursor.string()).decode()
        if self.files is None:
            raise SourceError(".incbin has no files to read here")
        statement.name = ".incbin"
        statement.data = self.files.data(name)
        if cursor.accept(","):
            self._expressions(statement, cursor)
        else:
            cursor.expect_end()

    def _expressions(self, statement: Statement, cursor: Cursor) -> None:
        if cursor.peek().kind == "end":
            return

        def read() -> None:
            if statement.name in ALIGNMENTS and cursor.peek().text == ",":
                statement.expressions.append(Number(0))
            else:
                statement.expressions.append(cursor.expression())
            if cursor.accept(":"):
                statement.repeats[len(statement.expressions) - 1] = cursor.expression()

        cursor.several(read)


def _string(cursor: Cursor) -> bytes:
    """One string, which may be written in several pieces."""
    found = unescape(cursor.string())
    while cursor.peek().kind == "string":
        found += unescape(cursor.string())
    return found


def _float(cursor: Cursor, directive: str) -> bytes:
    import struct

    sign = -1.0 if cursor.accept("-") else 1.0
    token = cursor.next()
    if token.kind not in ("float", "number"):
        raise SourceError(f"expected a floating-point number, not {token.text!r}")
    try:
        return struct.pack(">d" if directive == ".double" else ">f", sign * float(token.text))
    except (ValueError, OverflowError):
        raise SourceError(f"{token.text} is no number for {directive}") from None


def _refusal(name: str) -> str:
    return f"{name} is not taken: {REFUSED[name]}"


def _section(cursor: Cursor) -> Section:
    """What follows ``.section``: a name, flags, a type."""
    name = ""
    while cursor.peek().kind != "end" and cursor.peek().text != ",":
        name += cursor.next().text.strip('"')
    flags, nobits = None, False
    if cursor.accept(","):
        flags = cursor.string("flags")
        if cursor.accept(","):
            nobits = "".join(cursor.rest()).lstrip("@%").startswith("nobits")
    if not name:
        raise SourceError(".section needs a name")
    return section_named(name, flags, nobits)
