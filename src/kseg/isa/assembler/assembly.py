"""Assembly proper: pass after pass over the statements until no symbol moves.

Every pass lays everything out with the symbols of the pass before; names that are not known yet
count as unknown addresses. Pseudo-instructions only ever grow from pass to pass, so this ends.
"""

from kseg.isa.assembler.forms import Choice, bind, expand, forms
from kseg.isa.assembler.layout import SECTIONS, Pass
from kseg.isa.assembler.lexer import SourceError
from kseg.isa.assembler.program import Program
from kseg.isa.assembler.statement import Parser, Problem, Statement

SECTION_ALIGNMENT = 16
MOST_PASSES = 50


class AssemblyError(ValueError):
    """A source cannot be assembled. `str()` has a line ``file:line: what`` for each error."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{name}:{line}: {text}" for line, text in self.problems))


class Assembly:
    """One source on its way to a program."""

    def __init__(self, source: str, origin: int, byte_order: str, profile: str, name: str) -> None:
        self.source, self.origin, self.byte_order = source, origin, byte_order
        self.profile, self.name = profile, name
        self.statements: list[Statement] = []
        self.grown: dict[int, int] = {}
        """Which of its choices a statement has come to, by the statement's number."""
        self._choices: dict[int, list[Choice]] = {}

    def choices(self, number: int, statement: Statement) -> list[Choice]:
        """Every way to write the statement's instruction, the shortest first."""
        if number not in self._choices:
            self._choices[number] = self._find_choices(statement)
        return self._choices[number]

    def _find_choices(self, statement: Statement) -> list[Choice]:
        candidates = forms(self.profile).get(statement.name)
        if candidates is None:
            raise SourceError(f"{self.profile} has no instruction {statement.name}")
        operands = statement.operands
        found = [(form, bind(form, operands)) for form in candidates]
        if not any(binding for _, binding in found) and len(operands) == 2:
            twice = [operands[0], *operands]
            found = [(form, bind(form, twice)) for form in candidates if form.destination_first]
        choices = [expand(form, binding, self.profile) for form, binding in found if binding]
        if not choices:
            texts = dict.fromkeys(form.text for form in candidates)
            raise SourceError(f"expected {' or '.join(texts)}")
        return choices

    def assemble(self) -> Program:
        """Parse, lay out, encode; AssemblyError with everything that is wrong."""
        parser = Parser(self.profile)
        parser.parse(self.source)
        self.statements = parser.statements
        bases = dict.fromkeys(SECTIONS, self.origin)
        known: dict[str, int] = {}
        grown: dict[int, int] = {}
        for _ in range(MOST_PASSES):
            current = Pass(self, bases, known)
            current.run()
            next_bases = self._place(current)
            settled = (current.symbols, next_bases, self.grown) == (known, bases, grown)
            known, bases, grown = current.symbols, next_bases, dict(self.grown)
            if settled:
                break
        else:
            parser.problems.append((1, "addresses do not settle: .space or .org chases itself"))
        problems = parser.problems + current.problems
        if problems:
            raise AssemblyError(self.name, problems)
        return self._program(current)

    def _place(self, current: Pass) -> dict[str, int]:
        """Where each section starts: one behind the other."""
        bases, end = {}, self.origin
        for name, section in current.sections.items():
            if name != ".text" and section.data:
                end += -end % SECTION_ALIGNMENT
            bases[name] = end
            end += len(section.data)
        if end > 1 << 32:
            current.problems.append((1, f"the program ends at {end:#x}, beyond 32 bits"))
        return bases

    def _program(self, last: Pass) -> Program:
        code = bytearray()
        for section in last.sections.values():
            if section.data:
                code += bytes(section.base - self.origin - len(code))
                code += section.data
        named = {name: value for name, value in last.symbols.items() if "#" not in name}
        return Program(
            origin=self.origin,
            code=bytes(code),
            symbols={name: value for name, value in named.items() if name in last.labels},
            constants={name: value for name, value in named.items() if name in last.constants},
            byte_order=self.byte_order,
            profile=self.profile,
            source=self.source,
            sections=tuple(
                (name, section.base, len(section.data))
                for name, section in last.sections.items()
                if section.data
            ),
            lines=tuple(sorted(last.lines, key=lambda line: (line.number, line.address))),
        )
