"""Statements of a source, parsed: labels, then a directive or an instruction, or a definition."""

from collections import Counter
from dataclasses import dataclass, field

from kseg.isa.assembler.expression import Cursor, Expression
from kseg.isa.assembler.lexer import SourceError, Token, statements, unescape
from kseg.isa.assembler.operand import Written, read_operands, register

IGNORED = frozenset(
    ".globl .global .extern .weak .local .ent .end .frame .mask .fmask .type .size .file"
    " .loc .ident .option .module .nan .abicalls .hidden".split()
)
"""Directives that are accepted and change nothing here."""

OPTIONS = frozenset(
    "reorder noreorder at noat macro nomacro volatile novolatile push pop"
    " mips0 mips1 nomips16 nomicromips".split()
)
"""What .set may be followed by that changes nothing: nothing is ever reordered."""

STRINGS = frozenset((".ascii", ".asciiz", ".asciz", ".string"))


@dataclass
class Statement:
    """One statement. `name` is the directive or mnemonic, "=" for a definition of `symbol`, ""
    for labels alone."""

    line: int
    labels: list[str] = field(default_factory=list)
    name: str = ""
    symbol: str = ""
    operands: list[Written] = field(default_factory=list)
    expressions: list[Expression] = field(default_factory=list)
    data: bytes = b""
    """Of a string directive."""


Problem = tuple[int, str]
"""The number of a line, and what is wrong there."""


class Parser:
    """Parses a source."""

    def __init__(self, profile: str) -> None:
        self.profile = profile
        self.statements: list[Statement] = []
        self.problems: list[Problem] = []
        self._locals: Counter[str] = Counter()

    def parse(self, source: str) -> None:
        """Fill `statements` and `problems`."""
        for line, tokens in statements(source):
            statement = Statement(line)
            try:
                self._parse(statement, Cursor(tokens, self._local))
            except SourceError as error:
                self.problems.append((line, str(error)))
                # Its labels still count, lest every use of them be an error too.
                statement = Statement(line, statement.labels)
            self.statements.append(statement)

    def _local(self, reference: str) -> str:
        """``1b`` is the last label 1 so far, ``1f`` the next one."""
        number = str(int(reference[:-1]))
        return f"{number}#{self._locals[number] + (reference[-1] == 'f')}"

    def _parse(self, statement: Statement, cursor: Cursor) -> None:
        while cursor.peek().kind in ("name", "number") and cursor.peek(1).text == ":":
            statement.labels.append(self._label(cursor.next()))
            cursor.next()
        if cursor.peek().kind == "end":
            return
        if cursor.peek().kind == "name" and cursor.peek(1).text == "=":
            self._define(statement, cursor, "=")
            return
        head = cursor.next()
        if head.kind != "name":
            raise SourceError(f"expected an instruction or a directive, not {head.text!r}")
        name = head.text.lower()
        if name in (".equ", ".equiv") or (name == ".set" and cursor.peek(1).text == ","):
            self._define(statement, cursor, ",")
        elif name == ".set":
            option = cursor.next()
            if option.text not in OPTIONS:
                raise SourceError(f".set does not know {option.text!r}")
            cursor.expect_end()
        elif name in IGNORED:
            pass
        elif name in STRINGS:
            self._strings(statement, name, cursor)
        elif name == ".section":
            statement.name = _section_name(cursor.next())
        elif name.startswith("."):
            statement.name = name
            self._expressions(statement, cursor)
        else:
            statement.name = name
            statement.operands = read_operands(cursor, self.profile)

    def _label(self, token: Token) -> str:
        if token.kind == "number":
            number = str(token.value)
            self._locals[number] += 1
            return f"{number}#{self._locals[number]}"
        return self._new_name(token)

    def _new_name(self, token: Token) -> str:
        if token.kind != "name" or token.text == ".":
            raise SourceError(f"expected a name, not {token.text!r}")
        if register(token, self.profile):
            raise SourceError(f"{token.text} is a register and cannot name anything else")
        return token.text

    def _define(self, statement: Statement, cursor: Cursor, separator: str) -> None:
        statement.symbol = self._new_name(cursor.next())
        cursor.expect(separator)
        statement.name = "="
        statement.expressions = [cursor.expression()]
        cursor.expect_end()

    def _strings(self, statement: Statement, name: str, cursor: Cursor) -> None:
        statement.name = ".ascii"
        while True:
            token = cursor.next()
            if token.kind != "string":
                raise SourceError(f"expected a string in quotes, not {token.text!r}")
            statement.data += unescape(token.text[1:-1])
            statement.data += b"" if name == ".ascii" else b"\0"
            if not cursor.accept(","):
                cursor.expect_end()
                return

    def _expressions(self, statement: Statement, cursor: Cursor) -> None:
        if cursor.peek().kind == "end":
            return
        while True:
            statement.expressions.append(cursor.expression())
            if not cursor.accept(","):
                cursor.expect_end()
                return


def _section_name(token: Token) -> str:
    """Subsections such as .text.startup belong to their section; flags do not matter."""
    name = "." + token.text.strip('"').lstrip(".").split(".")[0]
    if name not in (".text", ".rodata", ".data", ".bss"):
        raise SourceError(f"no section {token.text}; there are .text, .rodata, .data, .bss")
    return name
