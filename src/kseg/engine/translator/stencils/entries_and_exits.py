"""Stencils for what a translation does between instructions: entries, side exits, time, pages.

In all of them the registers of the convention are what they are in a handler, except that `entry`
holds the address that a jump to a register leads to, and `target` the value of a load that has not
arrived. The budget has the cycles of the whole block taken off from its beginning.
"""

from collections.abc import Iterator

from kseg.engine.codegen.builder import Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.convention import arguments, handler_builder, pc_of
from kseg.engine.interpreter.layout import CONTEXT_OFFSETS, STATE_OFFSETS
from kseg.engine.translator.side_exits import SideExits
from kseg.engine.translator.stencils.holes import NEXT, low_word, narrow, place, variable, wide
from kseg.isa.profile import Profile

VARIABLES = {"page"}
"""Names of holes that are variables of the translation's, not code."""


def functions(profile: Profile) -> Iterator[str]:
    """The text of every stencil of this file."""
    frame = _Frame()
    found = [
        ("head", frame.head),
        ("loop_head", frame.loop_head),
        ("loop", frame.loop),
        ("count", frame.count),
        ("jump", frame.jump),
        ("known", frame.known),
        ("constant", frame.constant),
        ("leave", frame.leave),
        ("interpret", frame.interpret),
        ("dispatch", frame.dispatch),
        ("go_to", frame.go_to),
        ("go_jump", frame.go_jump),
        ("elsewhere", frame.elsewhere),
        ("present", frame.present),
    ]
    if profile.load_delay:
        found += [
            ("leave_loaded", frame.leave_loaded),
            ("interpret_loaded", frame.interpret_loaded),
            ("arrive", frame.arrive),
        ]
    if profile.early_fetch_faults:
        found += [("unknown", frame.unknown), ("check_jump", frame.check_jump)]
    for name, make in found:
        frame.b = handler_builder(f'"{name}"')
        make()
        yield frame.b.text("optsize nounwind")
    if profile.hi_lo_interlock:
        for field in ("hi_ready", "lo_ready"):
            for kind, of_field in (("wait", frame.wait), ("occupy", frame.occupy)):
                frame.b = handler_builder(f'"{kind}_{field}"')
                of_field(field)
                yield frame.b.text("optsize nounwind")
        frame.b = handler_builder('"stall"')
        frame.stall()
        yield frame.b.text("optsize nounwind")


class _Frame(SideExits):
    """Emits each stencil into the builder `b`."""

    def _next(self, **changed: Operand) -> None:
        self.b.tail_call(place(NEXT), arguments(**changed))

    def _away_if(self, condition: Operand, name: str) -> None:
        with self.b.cold_if(condition):
            self.b.tail_call(place(name), arguments(accumulator="poison"))

    # Ways in.

    def head(self) -> None:
        """Come in where no loop looks at the budget: it must suffice for `bound` cycles."""
        self._head(self.b.emit(f"icmp slt i64 %budget, {wide('bound')}"))

    def loop_head(self) -> None:
        """Come in at a loop."""
        self._head("false")

    def _head(self, short: Operand) -> None:
        """The page must be mapped where it was, at `pc`."""
        b = self.b
        moved = b.emit(f"icmp ne i32 {pc_of(b, '%entry')}, {narrow('pc')}")
        with b.cold_if(b.emit(f"or i1 {moved}, {short}")):
            b.tail_call(fields.load_pointer(b, "interpret"), arguments())
        self.count_translated("add", "%budget")
        self._next(accumulator="poison")

    # Budget and jumps.

    def loop(self) -> None:
        """Leave unless there are `bound` cycles; then go on as `count`."""
        self._away_if(self.b.emit(f"icmp slt i64 %budget, {wide('bound')}"), "leave")
        self.count()

    def count(self) -> None:
        """Add `cycles`, which may be negative, to the budget."""
        self._next(budget=self._budget())

    def _budget(self) -> Operand:
        """The budget larger by `cycles`."""
        return self.b.emit(f"add i64 %budget, {wide('cycles')}")

    def jump(self) -> None:
        """To `taken`."""
        self.b.tail_call(place("taken"), arguments())

    def known(self) -> None:
        """To `taken` if the jump leads to `pc`."""
        b = self.b
        target = self._jump_target()
        with b.cold_if(b.emit(f"icmp eq i32 {target}, {narrow('pc')}")):
            b.tail_call(place("taken"), arguments())
        self._next()

    def _jump_target(self) -> Operand:
        return low_word(self.b, "%entry")

    # Registers.

    def constant(self) -> None:
        """The register at `p` is to be `value`."""
        self.b.store("i32", narrow("value"), "%state", wide("p"))
        self._next(accumulator=narrow("value"))

    def _pending_value(self) -> Operand:
        return low_word(self.b, "%target")

    def arrive(self) -> None:
        """The load that is pending arrives in the register at `p`."""
        self.b.store("i32", self._pending_value(), "%state", wide("p"))
        self._next()

    # Side exits.

    def leave(self) -> None:
        """Give back `cycles`, and go on with the entry at `offset`."""
        self.b.tail_call(
            place("taken"), arguments(budget=self._budget(), accumulator=narrow("offset"))
        )

    def leave_loaded(self) -> None:
        """The same, with a load pending to register `register`."""
        self.b.store("i32", narrow("register"), "%state", STATE_OFFSETS["pending_load_register"])
        value = self._pending_value()
        self.b.store("i32", value, "%state", STATE_OFFSETS["pending_load_value"])
        self.leave()

    def interpret(self) -> None:
        """Where `leave` leads: the interpreter executes the entry itself."""
        self._leave_for("interpret")

    def interpret_loaded(self) -> None:
        """The same after `leave_loaded`."""
        self._leave_for("interpret_loaded")

    def dispatch(self) -> None:
        """Where `leave` leads to go on with whatever the entry has."""
        self._leave_for("dispatch")

    def _leave_for(self, handler: str) -> None:
        offset = self.b.emit("zext i32 %accumulator to i64")
        self.leave_page(offset, "%budget", str(CONTEXT_OFFSETS[handler]))

    def go_to(self) -> None:
        """Go on at the address `pc`."""
        self.go(narrow("pc"), "%budget")

    def go_jump(self) -> None:
        """Go on where the jump at `pc` leads."""
        self.go(self._jump_target(), "%budget", narrow("pc"))

    # Pages. `slot` is the offset of a page in the code table.

    def _code_page(self) -> Operand:
        return self.code_at(self.invariant("ptr", "codes"), wide("slot"))

    def elsewhere(self) -> None:
        """To `leave` unless the page is mapped where it was."""
        expected = self.b.emit(f"load i64, ptr {variable('page')}, align 8")
        self._away_if(self.b.emit(f"icmp ne i64 {self._code_page()}, {expected}"), "leave")
        self._next()

    def unknown(self) -> None:
        """To `leave` if nothing was executed in the page lately."""
        self._away_if(self.is_unknown(self._code_page()), "leave")
        self._next()

    def check_jump(self) -> None:
        """To `leave` if the jump leads where the interpreter has to look."""
        b = self.b
        address = Symbol.of_i32(b, self._jump_target())
        slot = b.emit(f"shl i64 {(address >> 12).i64()}, 3")
        unknown = self.is_unknown(self.code_at(self.invariant("ptr", "codes"), slot))
        last = (address & 0xFFC) == 0xFFC
        refused = ((address & 3) != 0) | last | Symbol.of_i1(b, unknown)
        self._away_if(refused.i1(), "leave")
        self._next()

    def present(self) -> None:
        """The page, which begins at `pc`, becomes the one that is being executed."""
        pointer = self.b.emit(f"load i64, ptr {variable('page')}, align 8")
        self.switch_page(pointer, narrow("pc"))
        self._next()

    # HI and LO.

    def _clock(self) -> Operand:
        """The cycle at which the budget would be larger by `cycles`, an i64."""
        return self.b.emit(f"sub i64 {self.invariant('i64', 'limit')}, {self._budget()}")

    def wait(self, field: str) -> None:
        """Let time pass until `field` is there, if it is not in that cycle."""
        b = self.b
        ready = fields.load_state(b, field).i64()
        short = b.emit(f"sub i64 {ready}, {self._clock()}")
        late = b.emit(f"icmp sgt i64 {short}, 0")
        cycles = b.emit(f"select i1 {late}, i64 {short}, i64 0")
        self._add_stall(cycles)
        self._next(budget=b.emit(f"sub i64 %budget, {cycles}"))

    def occupy(self, field: str) -> None:
        """From that cycle on it is."""
        self.b.store("i64", self._clock(), "%state", STATE_OFFSETS[field])
        self._next()

    def stall(self) -> None:
        """Count `cycles` of waiting."""
        self._add_stall(wide("cycles"))
        self._next()

    def _add_stall(self, cycles: Operand) -> None:
        b = self.b
        user = b.emit(f"icmp ne i32 {fields.load_context(b, 'user_mode')}, 0")
        counters = STATE_OFFSETS["user_stalls"], STATE_OFFSETS["kernel_stalls"]
        chosen = b.emit(f"select i1 {user}, i64 {counters[0]}, i64 {counters[1]}")
        at = b.offset("%state", chosen)
        b.store("i64", b.emit(f"add i64 {b.load('i64', at)}, {cycles}"), at)
