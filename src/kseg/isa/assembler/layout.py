"""One pass of the assembler: every statement to bytes at its address."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from kseg.isa.assembler import data
from kseg.isa.assembler.directives import FLOATS, INTEGERS, UNALIGNED, ZEROS
from kseg.isa.assembler.expansion import NoFormError, Operation, Target, read
from kseg.isa.assembler.expression import Expression, Value, evaluate
from kseg.isa.assembler.forms import CLOSE, OPEN
from kseg.isa.assembler.problem import Problem, SourceError, SourceLocation
from kseg.isa.assembler.program import Line
from kseg.isa.assembler.schedule import Label, Schedule
from kseg.isa.assembler.section import MOST_SUBSECTION, Piece, Section, section_named
from kseg.isa.assembler.settings import Settings, SettingStack
from kseg.isa.assembler.statement import Statement
from kseg.isa.operands import OperandError

MOST_BYTES = 64 << 20
UNKNOWN = 0x12345678
"""What a name counts as whose value is not known yet: no short form fits it."""
LARGEST_ALIGNMENT = 16


@dataclass
class PassResult:
    """What the pass before has found."""

    symbols: dict[str, Value] = field(default_factory=dict)
    bases: dict[tuple[str, int], int] = field(default_factory=dict)
    words: dict[int, int] = field(default_factory=dict)
    """The longest that each statement's instructions have been."""


class Pass:
    """One pass: lays out every statement, with the symbols of the pass before."""

    def __init__(
        self, target: Target, byte_order: str, origin: int, settings: Settings, known: PassResult
    ) -> None:
        self.target, self.byte_order, self.origin, self.known = target, byte_order, origin, known
        self.pieces: dict[tuple[str, int], Piece] = {}
        self.piece = self._piece(section_named(".text"), 0)
        self._previous = self.piece
        self._pushed: list[tuple[Piece, Piece]] = []
        self.settings = SettingStack(settings, [])
        self.schedule = Schedule(target.profile)
        self.labels: dict[str, Label] = {}
        self.constants: dict[str, Value] = {}
        self._first: dict[str, Value] = {}
        self.commons: dict[str, tuple[int, int]] = {}
        """Size and alignment of names that get room unless they are defined."""
        self.weak: set[str] = set()
        self.words: dict[int, int] = dict(known.words)
        self.lines: list[Line] = []
        self.problems: list[Problem] = []
        self._aligned = True
        """Are numbers aligned?"""
        self._bytes = 0
        self._undefined: set[SourceLocation] = set()
        """Where a name has no value; nothing else is said of such a place."""
        self._movable: list[Label] = []
        """Labels that alignment moves."""
        self._place = SourceLocation("", 1)
        self._name = ""
        """Of the instruction that is being laid out, for errors."""
        self._dot: Callable[[], Value] = self._here

    def run(self, statements: list[Statement], weak: set[str]) -> None:
        """Lay out all statements; what is wrong goes to `problems`. `weak` are names that are 0
        where nothing defines them."""
        self.weak = weak
        for number, statement in enumerate(statements):
            self._place = statement.place
            self._dot, self._name = self._here, ""
            try:
                if statement.address is not None:
                    self._go_on_with_labels_to(statement.address)
                self._labels(statement)
                self._statement(number, statement)
            except NoFormError as error:
                self._name = ""
                self._complain(str(error))
            except (SourceError, OperandError) as error:
                if self._place not in self._undefined:
                    self._complain(str(error))
        self._name = ""
        self._place = statements[-1].place if statements else self._place
        self._flush()
        self._allocate_commons()
        self._encode()

    def symbols(self) -> dict[str, Value]:
        """All names and their values, for those that are defined several times the first: what
        stands before all of them gets that."""
        found = {name: Value(label.address, 1) for name, label in self.labels.items()}
        return found | self._first

    def doubtful_slots(self) -> tuple[int, ...]:
        """The lines of branches whose delay slot cannot have been filled on purpose: a label or
        another branch is there, or nothing at all."""
        targets = {
            label.address for name, label in self.labels.items() if not name.startswith("dot#")
        }
        placed = self.schedule.placed
        found = [
            branch.place.main.line
            for branch, slot in pairwise(placed)
            if branch.is_branch
            and branch.place != slot.place
            and not slot.is_nop
            and (slot.is_branch or slot.address in targets)
        ]
        if placed and placed[-1].is_branch:
            found.append(placed[-1].place.main.line)
        return tuple(found)

    def lookup(self, name: str) -> Value:
        """The value of a symbol: a number as defined above, an address as the pass before left
        it. One that is not defined is a problem, and some number."""
        if name == ".":
            return self._dot()
        if name in self.constants:
            return self.constants[name]
        before = self.known.symbols.get(name)
        if name in self.labels:
            return before or Value(self.labels[name].address, 1)
        if before is not None:
            return Value(before.number, before.weight, late=True)
        if name in self.weak:
            return Value(0, late=True)
        self._undefined.add(self._place)
        if "#" in name:
            self._complain(f"no label {name.split('#')[0]} in that direction")
        else:
            self._complain(f"{name} is not defined")
        return Value(UNKNOWN, late=True)

    def _here(self) -> Value:
        return Value(self.piece.end, 1)

    def _complain(self, text: str) -> None:
        if self._name:
            text = f"{self._name}: {text}"
        self.problems.append(Problem(self._place, text))

    # Sections.

    def _piece(self, section: Section, number: int) -> Piece:
        key = (section.name, number)
        if key not in self.pieces:
            base = self.known.bases.get(key, self.origin)
            self.pieces[key] = Piece(section, number, base)
        return self.pieces[key]

    def _go_to(self, piece: Piece) -> None:
        self._flush()
        self._previous, self.piece = self.piece, piece
        self._aligned = True

    def _sections(self, statement: Statement) -> None:
        name, section = statement.name, statement.section
        if section is not None:
            number = 0
            if statement.expressions:
                number = self._number(statement.expressions[0])
                if not 0 <= number <= MOST_SUBSECTION:
                    raise SourceError(
                        f"{section.name} {number:#x}: a number here is a subsection, from 0 to "
                        f"{MOST_SUBSECTION}; addresses are given with --origin and .org"
                    )
            if name == ".pushsection":
                self._pushed.append((self.piece, self._previous))
            self._go_to(self._piece(section, number))
        elif name == ".popsection":
            if not self._pushed:
                raise SourceError(".popsection without .pushsection")
            piece, previous = self._pushed.pop()
            self._go_to(piece)
            self._previous = previous
        elif name == ".previous":
            self._go_to(self._previous)
        else:
            number = self._number(statement.expressions[0]) if statement.expressions else 0
            if not 0 <= number <= MOST_SUBSECTION:
                raise SourceError(f".subsection cannot take {number}")
            self._go_to(self._piece(self.piece.section, number))

    def _flush(self) -> None:
        self.schedule.flush(self.piece, self.settings.now, self._place)

    # Statements.

    def _labels(self, statement: Statement) -> None:
        for label in statement.labels:
            if label in self.labels or label in self.constants:
                raise SourceError(f"{label} is defined twice")
            self.labels[label] = Label(self.piece, len(self.piece.data))
            self.schedule.add_label(self.labels[label])

    def _statement(self, number: int, statement: Statement) -> None:
        name = statement.name
        if not name:
            return
        if name == "=":
            if statement.symbol in self.labels:
                raise SourceError(f"{statement.symbol} is defined twice")
            value = evaluate(statement.expressions[0], self.lookup)
            self.constants[statement.symbol] = Value(value.number, value.weight)
            self._first.setdefault(statement.symbol, self.constants[statement.symbol])
        elif name == ".set":
            self._set(statement.symbol)
        elif name in (".section", ".pushsection", ".popsection", ".previous", ".subsection"):
            self._sections(statement)
        elif name in (".comm", ".lcomm"):
            self._common(statement)
        elif not self.piece.section.kept:
            return
        elif name.startswith("."):
            self._directive(statement)
        else:
            self._instruction(number, statement)

    def _set(self, option: str) -> None:
        before = self.settings.now.reorder
        self.settings.set(option)
        if before and not self.settings.now.reorder:
            self.schedule.begin_literal(self.piece, self.settings.now, self._place)
        elif self.settings.now.reorder and not before:
            self.schedule.end_literal()

    def _number(self, expression: Expression) -> int:
        return evaluate(expression, self.lookup).number

    def _reserve(self, size: int) -> None:
        if not 0 <= size <= MOST_BYTES - self._bytes:
            raise SourceError(f"{size} bytes do not fit: a program has at most {MOST_BYTES >> 20}M")
        self._bytes += size

    def _emit(self, content: bytes) -> None:
        start = self.piece.end
        self._put(content)
        self._note(start)

    def _put(self, content: bytes) -> None:
        self._reserve(len(content))
        if self.piece.section.zero and any(content):
            raise SourceError(f"{self.piece.section.name} holds nothing but zeros")
        self.piece.data += content

    def _note(self, start: int) -> None:
        """What lies from address `start` on is the statement's."""
        content = bytes(self.piece.data[start - self.piece.base :])
        if content:
            self.lines.append(Line(self._place.main.line, start, content, is_code=False))

    # Instructions.

    def _instruction(self, number: int, statement: Statement) -> None:
        if self.piece.end % 4:
            raise SourceError(f"an instruction at {self.piece.end:#010x}: put .align 2 before it")
        if self.piece.section.zero:
            raise SourceError(f"{self.piece.section.name} holds nothing but zeros")
        self._dot, self._name = self._marked_dot(number), statement.name
        try:
            operands = tuple(read(operand, self.lookup) for operand in statement.operands)
            found = self.target.expand(statement.name, operands, self.words.get(number, 0))
            if found.uses_at and not self.settings.now.at:
                raise SourceError("it changes register at here, after .set noat")
        finally:
            self._dot = self._here
        self.words[number] = max(found.words, self.words.get(number, 0))
        self._reserve(4 * found.words)
        self.piece.alignment = max(self.piece.alignment, 4)
        settings = self.settings.now
        literal = Settings(False, settings.at, settings.move, settings.level)
        now = settings
        for item in found.items:
            if item == OPEN:
                if settings.reorder:
                    self.schedule.begin_literal(self.piece, settings, self._place)
                now = literal
            elif item == CLOSE:
                if settings.reorder:
                    self.schedule.end_literal()
                now = settings
            elif isinstance(item, Operation):
                self.schedule.add(item, self.piece, now, self._place, statement.name)

    def _marked_dot(self, number: int) -> Callable[[], Value]:
        """The dot of an instruction: a label before it, which keeps it out of delay slots."""
        piece, offset = self.piece, len(self.piece.data)

        def dot() -> Value:
            name = f"dot#{number}"
            if name not in self.labels:
                self.labels[name] = Label(piece, offset)
                self.schedule.add_label(self.labels[name])
            return self.known.symbols.get(name) or Value(piece.base + offset, 1)

        return dot

    def _encode(self) -> None:
        """The words of all instructions, now that they will move no more."""
        byte_order = "big" if self.byte_order == "big" else "little"
        for placed in self.schedule.placed:
            self._place = placed.place
            word = 0
            if placed.operation is not None:
                try:
                    word = placed.operation.word(placed.address)
                except OperandError as error:
                    if placed.place not in self._undefined:
                        self._complain(f"{placed.name}: {error}")
            content = word.to_bytes(4, byte_order)  # type: ignore[arg-type]
            placed.piece.data[placed.offset : placed.offset + 4] = content
            self.lines.append(Line(placed.place.main.line, placed.address, content, is_code=True))

    # Directives.

    def _directive(self, statement: Statement) -> None:
        name = statement.name
        self._flush_for(name)
        if name in INTEGERS or name in UNALIGNED:
            self._numbers(statement)
        elif name == ".ascii":
            self._emit(statement.data)
        elif name in FLOATS:
            self._floats(statement, FLOATS[name])
        elif name in (".uleb128", ".sleb128"):
            start = self.piece.end
            for expression in statement.expressions:
                self._put(data.leb128(self._number(expression), name == ".sleb128"))
            self._note(start)
        elif name == ".incbin":
            self._file(statement)
        else:
            self._room(name, [self._number(each) for each in statement.expressions], statement)

    def _flush_for(self, name: str) -> None:
        """End the instructions before; labels stay where they are but for the aligned."""
        fresh = list(self.schedule.fresh)
        self._flush()
        aligns = name == ".align" or (name in INTEGERS or name in FLOATS)
        self._movable = fresh if aligns else []

    def _align(self, alignment: int, fill: int = 0, most: int | None = None) -> None:
        """Pad; labels with nothing behind them move along where the directive moves them."""
        size = -self.piece.end % alignment
        if most is not None and size > most:
            return
        self._reserve(size)
        self.piece.data += bytes([fill]) * size
        self.piece.alignment = max(self.piece.alignment, alignment)
        for label in self._movable:
            label.offset = len(self.piece.data)

    def _numbers(self, statement: Statement) -> None:
        size = INTEGERS.get(statement.name) or UNALIGNED[statement.name]
        if statement.name in INTEGERS and self._aligned and size > 1:
            self._align(size)
        start = self.piece.end
        for index, expression in enumerate(statement.expressions):
            repeat = statement.repeats.get(index)
            count = 1 if repeat is None else self._number(repeat)
            try:
                value = evaluate(expression, self.lookup)
                number = value.number
                if size < 8 and number >= 0 and value.is_address:
                    number &= 0xFFFFFFFF
                content = data.integer(number, size, self.byte_order)
            except SourceError as error:
                self._complain(str(error))
                content = bytes(size)
            if count != 1:
                self._check_room(count * size)
            self._put(content * count)
        self._note(start)

    def _check_room(self, size: int) -> None:
        if not 0 <= size <= MOST_BYTES - self._bytes:
            self._reserve(size)

    def _floats(self, statement: Statement, size: int) -> None:
        if self._aligned:
            self._align(size)
        content = statement.data
        if self.byte_order == "little":
            pieces = [content[at : at + size][::-1] for at in range(0, len(content), size)]
            content = b"".join(pieces)
        self._emit(content)

    def _file(self, statement: Statement) -> None:
        values = [self._number(each) for each in statement.expressions]
        skip, count = (values + [0, len(statement.data)][len(values) :])[:2]
        if skip < 0 or count < 0 or len(values) > 2:
            raise SourceError(f".incbin cannot take {', '.join(map(str, values))}")
        self._emit(statement.data[skip : skip + count])

    def _room(self, name: str, values: list[int], statement: Statement) -> None:
        match name, values:
            case ".align", [0]:
                self._aligned = False
                self.schedule.fresh += self._movable  # Nothing has come behind them yet.
            case ((".align" | ".p2align"), [power, *rest]) if 0 <= power <= LARGEST_ALIGNMENT:
                self._aligned |= name == ".align"
                self._padded(name, 1 << power, rest)
            case ".balign", [alignment, *rest] if (
                0 < alignment <= 1 << LARGEST_ALIGNMENT and alignment & (alignment - 1) == 0
            ):
                self._padded(name, alignment, rest)
            case _, [size] if name in ZEROS:
                self._check_room(size)
                self._emit(bytes(size))
            case _, [size, fill] if name in ZEROS and -128 <= fill <= 255:
                self._check_room(size)
                self._emit(bytes([fill & 0xFF]) * size)
            case ".fill", [count, *rest] if len(rest) <= 2 and count >= 0:
                item = data.filling((rest[1:] or [0])[0], (rest or [1])[0], self.byte_order)
                self._check_room(count * len(item))
                self._emit(item * count)
            case ".org", [_, *rest] if all(-128 <= fill <= 255 for fill in rest[:1]):
                self._origin(statement.expressions[0], (rest or [0])[0] & 0xFF)
            case _:
                shown = ", ".join(map(str, values)) or "nothing"
                raise SourceError(f"{name} cannot take {shown}")

    def _padded(self, name: str, alignment: int, rest: list[int]) -> None:
        fill, most = (rest + [0, 0][len(rest) :])[:2]
        if not -128 <= fill <= 255 or len(rest) > 2:
            raise SourceError(f"{name} cannot take {', '.join(map(str, rest))} there")
        self._align(alignment, fill & 0xFF, most or None)

    def _origin(self, expression: Expression, fill: int) -> None:
        """On to a place in the section: an address, or a number below it, which is an offset."""
        value = evaluate(expression, self.lookup)
        address = value.number & 0xFFFFFFFF
        if value.weight == 0:
            name = self.piece.section.name
            first = min(piece.base for piece in self.pieces.values() if piece.section.name == name)
            if address < min(first, MOST_BYTES):
                address += first
        self._go_on_to(address, fill)

    def _go_on_to(self, address: int, fill: int = 0) -> None:
        distance = address - self.piece.end
        if distance < 0:
            raise SourceError(f".org {address:#010x} is behind {self.piece.end:#010x}")
        self._check_room(distance)
        self._emit(bytes([fill]) * distance)

    def _go_on_with_labels_to(self, address: int) -> None:
        """On to where a disassembler saw the statement; the labels before it move along."""
        fresh = list(self.schedule.fresh)
        self._go_on_to(address)
        for label in fresh:
            label.offset = len(self.piece.data)

    # Room for names.

    def _common(self, statement: Statement) -> None:
        values = [self._number(each) for each in statement.expressions]
        size, alignment = (values + [0, 0][len(values) :])[:2] if values else (-1, 0)
        if not alignment:
            alignment = 1
            while alignment < min(size, 8):
                alignment *= 2
        if size < 0 or alignment & (alignment - 1) or not 0 < alignment <= 1 << LARGEST_ALIGNMENT:
            shown = ", ".join(map(str, values)) or "nothing"
            raise SourceError(f"{statement.name} cannot take {shown}")
        if statement.name == ".comm":
            before = self.commons.get(statement.symbol, (0, 1))
            self.commons[statement.symbol] = (max(size, before[0]), max(alignment, before[1]))
        else:
            self._allocate(statement.symbol, size, alignment)

    def _allocate(self, name: str, size: int, alignment: int) -> None:
        if name in self.labels or name in self.constants:
            raise SourceError(f"{name} is defined twice")
        piece = self._piece(section_named(".bss"), 0)
        room = -piece.end % alignment
        self._reserve(room + size)
        piece.data += bytes(room)
        piece.alignment = max(piece.alignment, alignment)
        self.labels[name] = Label(piece, len(piece.data))
        piece.data += bytes(size)

    def _allocate_commons(self) -> None:
        for name, (size, alignment) in self.commons.items():
            if name not in self.labels and name not in self.constants:
                try:
                    self._allocate(name, size, alignment)
                except SourceError as error:
                    self._complain(str(error))
