"""Assembly proper: pass after pass over the statements until no symbol moves.

Every pass lays everything out with the symbols of the pass before; names that are not known yet
count as unknown addresses. Pseudo-instructions only ever grow from pass to pass, so this ends.
"""

from kseg.isa.assembler.expansion import Target
from kseg.isa.assembler.expression import Value
from kseg.isa.assembler.layout import Pass, PassResult
from kseg.isa.assembler.problem import AssemblyError, Problem, SourceLocation
from kseg.isa.assembler.program import Program
from kseg.isa.assembler.reader import Files
from kseg.isa.assembler.section import OUTPUT, Piece
from kseg.isa.assembler.settings import Settings
from kseg.isa.assembler.statement import Parser

DEFAULT_ORIGIN = 0x80001000
SECTION_ALIGNMENT = 16
MOST_PASSES = 50
SMALL_DATA = OUTPUT.index(".sdata")
GP_OFFSET = 0x7FF0
"""From the first small datum to _gp, as linkers put it."""


class Assembly:
    """One source on its way to a program."""

    def __init__(
        self,
        source: str,
        origin: int | None,
        byte_order: str,
        profile: str,
        name: str,
        reorder: bool = False,
        files: Files | None = None,
    ) -> None:
        self.source, self.byte_order = source, byte_order
        self.origin = DEFAULT_ORIGIN if origin is None else origin
        self._may_move = origin is None
        self.profile, self.name, self.files = profile, name, files
        self.settings = Settings(reorder=reorder)

    def assemble(self) -> Program:
        """Parse, lay out, encode; AssemblyError with everything that is wrong."""
        parser = Parser(self.profile, self.files)
        parser.parse(self.source, self.name)
        if parser.hopeless:
            raise AssemblyError(parser.problems)
        if self._may_move and parser.address is not None:
            self.origin = parser.address & ~3
        target = Target(self.profile, self.byte_order)
        known = PassResult()
        for _ in range(MOST_PASSES):
            current = Pass(target, self.byte_order, self.origin, self.settings, known)
            current.run(parser.statements, parser.weak)
            bases = self._place(current)
            symbols = current.symbols()
            symbols.setdefault("_gp", self._global_pointer(current, bases))
            found = PassResult(symbols, bases, current.words)
            if found == known:
                break
            known = found
        else:
            self._complain(parser.problems, "addresses do not settle: .space or .org chases itself")
        problems = parser.problems + current.problems
        if problems:
            raise AssemblyError(problems)
        return self._program(current, parser)

    def _complain(self, problems: list[Problem], text: str) -> None:
        problems.append(Problem(SourceLocation(self.name, 1), text))

    def _ordered(self, current: Pass) -> list[Piece]:
        """The pieces in the order in which they lie: by section, by subsection."""
        outputs: dict[str, int] = {}
        names: dict[str, int] = {}
        for piece in current.pieces.values():
            outputs.setdefault(piece.section.output, len(outputs))
            names.setdefault(
                piece.section.name,
                0 if piece.section.name == piece.section.output else len(names) + 1,
            )
        kept = [piece for piece in current.pieces.values() if piece.section.kept]

        def place(piece: Piece) -> tuple[float, int, int, int]:
            section = piece.section
            return section.rank, outputs[section.output], names[section.name], piece.number

        return sorted(kept, key=place)

    def _place(self, current: Pass) -> dict[tuple[str, int], int]:
        """Where each piece starts: one behind the other."""
        bases = dict.fromkeys(current.pieces, self.origin)
        end, output, name = self.origin, "", ""
        for piece in self._ordered(current):
            if piece.data and end != self.origin:
                if piece.section.output != output:
                    end += -end % max(SECTION_ALIGNMENT, piece.alignment)
                elif piece.section.name != name:
                    end += -end % piece.alignment
            bases[piece.key] = end
            end += len(piece.data)
            if piece.data:
                output, name = piece.section.output, piece.section.name
        if end > 1 << 32:
            self._complain(current.problems, f"the program ends at {end:#x}, beyond 32 bits")
        return bases

    def _global_pointer(self, current: Pass, bases: dict[tuple[str, int], int]) -> Value:
        """_gp, unless the source defines it: in the middle of what it reaches of small data,
        which begins behind .data."""
        ends = [
            bases[piece.key] + len(piece.data)
            for piece in self._ordered(current)
            if piece.data and piece.section.rank < SMALL_DATA
        ]
        base = max(ends, default=self.origin)
        base += -base % SECTION_ALIGNMENT
        return Value((base + GP_OFFSET) & 0xFFFFFFFF, 1)

    def _program(self, last: Pass, parser: Parser) -> Program:
        code = bytearray()
        sections: dict[str, tuple[int, int]] = {}
        for piece in self._ordered(last):
            if piece.data:
                code += bytes(piece.base - self.origin - len(code))
                code += piece.data
                start, _ = sections.get(piece.section.output, (piece.base, 0))
                sections[piece.section.output] = (start, piece.end - start)
        kept = {name: label for name, label in last.labels.items() if "#" not in name}
        return Program(
            origin=self.origin,
            code=bytes(code),
            symbols={
                name: label.address for name, label in kept.items() if label.piece.section.kept
            },
            constants={name: value.number for name, value in last.constants.items()},
            byte_order=self.byte_order,
            profile=self.profile,
            source=self.source,
            sections=tuple((name, start, size) for name, (start, size) in sections.items()),
            code_sections=frozenset(
                piece.section.output for piece in last.pieces.values() if piece.section.code
            ),
            unmarked=() if parser.says_order or self.settings.reorder else last.doubtful_slots(),
            lines=tuple(sorted(last.lines, key=lambda line: (line.number, line.address))),
        )
