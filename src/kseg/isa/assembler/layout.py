"""One pass of the assembler: every statement to bytes at its address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kseg.isa.assembler.expression import Expression, UndefinedError, evaluate
from kseg.isa.assembler.lexer import SourceError
from kseg.isa.assembler.program import Line
from kseg.isa.assembler.statement import Problem, Statement
from kseg.isa.operands import OperandError

if TYPE_CHECKING:
    from kseg.isa.assembler.assembly import Assembly

SECTIONS = (".text", ".rodata", ".data", ".bss")
MOST_BYTES = 64 << 20
_DATA = {
    ".byte": 1,
    **dict.fromkeys((".half", ".hword", ".short"), 2),
    **dict.fromkeys((".word", ".long", ".int"), 4),
}
"""Bytes of a number, by directive. All are aligned."""


@dataclass
class Section:
    """One section in a pass: where it starts, and what is in it so far."""

    base: int
    data: bytearray

    @property
    def end(self) -> int:
        """The address behind what is in it."""
        return self.base + len(self.data)


class Pass:
    """One pass: lays out every statement, with the symbols of the pass before."""

    def __init__(self, assembly: "Assembly", bases: dict[str, int], known: dict[str, int]) -> None:
        self.assembly, self.known = assembly, known
        self.sections = {name: Section(bases[name], bytearray()) for name in SECTIONS}
        self.section = self.sections[".text"]
        self.symbols: dict[str, int] = {}
        self.labels: set[str] = set()
        self.constants: set[str] = set()
        self.fresh: list[str] = []
        """Labels with nothing behind them yet."""
        self.lines: list[Line] = []
        self.problems: list[Problem] = []
        self.place = 0
        """The dot: the address of the statement."""

    def run(self) -> None:
        """Lay out all statements; what is wrong goes to `problems`."""
        for number, statement in enumerate(self.assembly.statements):
            try:
                self._labels(statement)
                self._statement(number, statement)
            except (SourceError, OperandError) as error:
                self.problems.append((statement.line, str(error)))

    def lookup(self, name: str) -> int:
        """The value of a symbol: as defined above, else as the pass before left it."""
        if name == ".":
            return self.place
        for table in (self.symbols, self.known):
            if name in table:
                return table[name]
        if "#" in name:
            raise UndefinedError(f"no label {name.split('#')[0]} in that direction")
        raise UndefinedError(f"{name} is not defined")

    def _labels(self, statement: Statement) -> None:
        self.place = self.section.end
        for label in statement.labels:
            if label in self.labels or label in self.constants:
                raise SourceError(f"{label} is defined twice")
            self.labels.add(label)
            self.symbols[label] = self.place
            self.fresh.append(label)

    def _statement(self, number: int, statement: Statement) -> None:
        name = statement.name
        if not name:
            return
        if name == "=":
            if statement.symbol in self.labels:
                raise SourceError(f"{statement.symbol} is defined twice")
            self.constants.add(statement.symbol)
            self.symbols[statement.symbol] = self._value(statement.expressions[0])
        elif name in SECTIONS:
            self.section = self.sections[name]
            self.fresh.clear()
        elif name == ".ascii":
            self._emit(statement, statement.data)
        elif name in _DATA:
            self._data(statement, _DATA[name])
        elif name.startswith("."):
            self._directive(statement)
        else:
            self._instruction(number, statement)

    def _value(self, expression: Expression) -> int:
        return evaluate(expression, self.lookup)

    def _emit(self, statement: Statement, data: bytes, is_code: bool = False) -> None:
        if data:
            self._reserve(len(data))
            self.lines.append(Line(statement.line, self.section.end, data, is_code))
            self.section.data += data
            self.fresh.clear()

    def _reserve(self, size: int) -> None:
        total = sum(len(section.data) for section in self.sections.values())
        if not 0 <= size <= MOST_BYTES - total:
            raise SourceError(f"{size} bytes do not fit: a program has at most {MOST_BYTES >> 20}M")

    def _align(self, alignment: int) -> None:
        """Pad with zeros; labels with nothing behind them move along."""
        size = -self.section.end % alignment
        self._reserve(size)
        self.section.data += bytes(size)
        self.place = self.section.end
        for label in self.fresh:
            self.symbols[label] = self.place

    # Directives.

    def _data(self, statement: Statement, size: int) -> None:
        self._align(size)
        data = bytearray()
        for expression in statement.expressions:
            try:
                value = self._value(expression)
                if not -(1 << (8 * size - 1)) <= value < 1 << (8 * size):
                    raise SourceError(f"{value} does not fit in {8 * size} bits")
            except SourceError as error:
                self.problems.append((statement.line, str(error)))
                value = 0
            value &= (1 << 8 * size) - 1
            data += value.to_bytes(size, "big" if self.assembly.byte_order == "big" else "little")
        self._emit(statement, bytes(data))

    def _directive(self, statement: Statement) -> None:
        values = [self._value(expression) for expression in statement.expressions]
        match statement.name, values:
            case ((".align" | ".p2align"), [power]) if 0 <= power <= 16:
                self._align(1 << power)
            case ".balign", [alignment] if 0 < alignment <= 1 << 16:
                self._align(alignment)
            case ((".space" | ".skip" | ".zero"), [size]):
                self._reserve(size)
                self._emit(statement, bytes(size))
            case ((".space" | ".skip" | ".zero"), [size, fill]) if -128 <= fill <= 255:
                self._reserve(size)
                self._emit(statement, bytes([fill & 0xFF]) * size)
            case ".org", [address]:
                distance = (address & 0xFFFFFFFF) - self.section.end
                if distance < 0:
                    raise SourceError(f".org {address:#010x} is behind {self.section.end:#010x}")
                self._reserve(distance)
                self._emit(statement, bytes(distance))
            case ((".align" | ".p2align" | ".balign" | ".space" | ".skip" | ".zero" | ".org"), _):
                shown = ", ".join(map(str, values)) or "nothing"
                raise SourceError(f"{statement.name} cannot take {shown}")
            case _:
                raise SourceError(f"no directive {statement.name}")

    # Instructions.

    def _instruction(self, number: int, statement: Statement) -> None:
        if self.section.end % 4:
            raise SourceError(f"an instruction at {self.section.end:#010x}: put .align 2 before it")
        choices = self.assembly.choices(number, statement)
        least = self.assembly.grown.get(number, 0)
        for index in range(least, len(choices)):
            choice = choices[index]
            try:
                words = choice.words(self.lookup, self.place)
            except (SourceError, OperandError) as error:
                unknown = isinstance(error, UndefinedError) and choice.takes_any_number
                if index < len(choices) - 1 and not unknown:
                    continue
                words = [0] * len(choice.instructions)
                self.problems.append((statement.line, f"{statement.name}: {error}"))
            self.assembly.grown[number] = index
            order = self.assembly.byte_order
            data = b"".join(
                word.to_bytes(4, "big" if order == "big" else "little") for word in words
            )
            self._emit(statement, data, is_code=True)
            return
