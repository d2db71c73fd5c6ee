"""One block of a region: its instructions in order, its side exits, and how it goes on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kseg.engine.codegen.builder import Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter.layout import CONTEXT_OFFSETS, ENTRY_SIZE, STATE_OFFSETS
from kseg.engine.translator.discovery import LAST_BUT_ONE
from kseg.engine.translator.effects import HI, LO
from kseg.engine.translator.llvm.lifter import RegionLifter
from kseg.engine.translator.offsets import is_window, register_offset
from kseg.engine.translator.region import Block, Step
from kseg.engine.translator.timing import OCCUPIED, occupied_by, stall, used_by
from kseg.isa.instruction_set import instruction_set
from kseg.isa.values import WORD, Value

if TYPE_CHECKING:
    from kseg.engine.translator.llvm.emitter import RegionEmitter


@dataclass
class FrameState:
    """The frame state at a point of a block: what is known of the registers, and the cycles so
    far."""

    time: int = 0
    """Instructions of the block that are complete."""
    cycles: int = 0
    values: dict[int, Operand] = field(default_factory=dict)
    """Registers that have been read or written, and their present values."""
    written: dict[int, Operand] = field(default_factory=dict)
    pending: tuple[int, Operand] | None = None
    """A load that has not arrived: its register and value."""
    occupied: dict[str, int] = field(default_factory=dict)
    """When HI and LO were last occupied in this block, in cycles from its beginning."""

    def copy(self) -> "FrameState":
        """The same state, to go on from on another path."""
        return FrameState(
            self.time,
            self.cycles,
            dict(self.values),
            dict(self.written),
            self.pending,
            dict(self.occupied),
        )

    def write(self, register: int, operand: Operand) -> None:
        """A register's new value."""
        if register:
            self.values[register] = self.written[register] = operand

    def arrive(self) -> None:
        """Let the load that is pending arrive."""
        if self.pending is not None:
            self.write(*self.pending)
            self.pending = None


class BlockEmitter:
    """Emits one block into its region's function."""

    def __init__(self, region: "RegionEmitter", block: Block) -> None:
        self.region, self.block, self.b = region, block, region.b
        self.profile = region.region.profile
        self._instructions = instruction_set(self.profile.name)
        self.page = block.pc >> 12
        self.dirty = self._in_order_of_writing()
        self._chained = False

    def emit(self) -> None:
        """All of it, up to the jump or the side exit at its end."""
        if self.block.pc in self.region.region.loops:
            # With too little budget, control goes there instead.
            with self.b.cold():
                self.b.place(self.region.spent_label(self.block.pc))
                self.start = self.region.budget.get()
                self._interpret(self.block.pc, FrameState())
        self.start = self.region.budget.get()
        frame = FrameState()
        for step in self.block.steps:
            self._step(step, frame)
        if self.block.branch is not None and self.block.slot is not None:
            self._branch(self.block.branch, self.block.slot, frame)
        elif self.block.hard is not None:
            self._interpret(self.block.hard, frame)
        elif self.block.following is not None:
            self._edge(self.block.following, frame)
        self._write_back_chain()

    # Side exits, to the interpreter.
    #
    # Registers written before the block and not yet in it are written back by a chain of stores
    # that all side exits of the block share: the first to be overwritten stands first, so that a
    # side exit enters the chain behind those that it has written back itself.

    def _in_order_of_writing(self) -> list[tuple[int, int]]:
        """(time of the first write in this block, register) of those that may be dirty before."""
        steps = self.block.all_steps
        first: dict[int, int] = {}
        for time, step in enumerate(steps):
            for register in step.effects.writes:
                # A late load arrives after the next instruction's beginning.
                first.setdefault(register, time)
        end = len(steps)
        dirty = self.region.region.dirty[self.block.pc]
        return sorted((first.get(register, end), register) for register in dirty)

    def _chain_label(self, position: int) -> str:
        return f"chain_{self.block.pc:x}_{position}"

    def _interpret(self, pc: int, frame: FrameState) -> None:
        """Leave before the instruction at `pc`; ends the basic block."""
        b, region = self.b, self.region
        for register, operand in frame.written.items():
            b.store("i32", operand, "%state", register_offset(register))
        if frame.pending is not None:
            register, operand = frame.pending
            b.store("i32", str(register), "%state", STATE_OFFSETS["pending_load_register"])
            b.store("i32", operand, "%state", STATE_OFFSETS["pending_load_value"])
            region.exit_handler.set(str(CONTEXT_OFFSETS["interpret_loaded"]))
        self._note_occupied(frame)
        region.exit_offset.set(str((pc >> 2 & 1023) * ENTRY_SIZE))
        region.exit_budget.set(self._left(frame))
        kept = (at for at, (_, register) in enumerate(self.dirty) if register not in frame.written)
        position = next(kept, len(self.dirty))
        rest = {register for _, register in self.dirty[position:]}
        if rest & frame.written.keys():
            # What is left to write back is not an end of the chain.
            for register in sorted(rest - frame.written.keys()):
                self._store_variable(register)
            b.jump(region.interpret_label)
            return
        self._chained = True
        b.jump(self._chain_label(position))

    def _write_back_chain(self) -> None:
        if not self._chained:
            return
        b = self.b
        with b.cold():
            for position, (_, register) in enumerate(self.dirty):
                b.place(self._chain_label(position))
                self._store_variable(register)
                b.jump(self._chain_label(position + 1))
            b.place(self._chain_label(len(self.dirty)))
            b.jump(self.region.interpret_label)

    def _store_variable(self, register: int) -> None:
        value = self.region.registers[register].get()
        self.b.store("i32", value, "%state", register_offset(register))

    def _left(self, frame: FrameState) -> Operand:
        """The budget that is left, an i64."""
        return self.b.emit(f"sub i64 {self.start}, {frame.cycles}") if frame.cycles else self.start

    # Instructions.

    def _read(self, frame: FrameState, register: int) -> Operand:
        if register not in frame.values:
            frame.values[register] = self.region.registers[register].get()
        return frame.values[register]

    def _lift(
        self, step: Step, frame: FrameState, leave_at: tuple[int, FrameState]
    ) -> RegionLifter:
        """Run the declaration; where it cannot complete, it leaves before `leave_at`."""
        pc, at = leave_at
        lifter = RegionLifter(
            self.b,
            self.profile,
            self.region.big_endian,
            step.pc,
            lambda register: self._read(frame, register),
            frame.pending,
            lambda: self._interpret(pc, at),
            self.region.kseg0 if is_window(step.pc >> 12) else None,
        )
        encoding = self._instructions.decode(step.word)
        assert encoding is not None
        encoding.instruction.meaning(lifter, *encoding.operands(step.word))
        return lifter

    def _complete(self, lifter: RegionLifter, frame: FrameState) -> None:
        """Make the writes of an instruction, in the order of the pipeline."""
        if HI in lifter.written and LO in lifter.written:
            # Both are of one product or division; LO does not need another of its own.
            _whole(lifter.written[LO])
        written = {number: _operand(value) for number, value in lifter.written.items()}
        loaded = None
        if lifter.loaded is not None and lifter.loaded[0]:
            loaded = lifter.loaded[0], _operand(lifter.loaded[1])
        if loaded is not None and frame.pending is not None and frame.pending[0] == loaded[0]:
            frame.pending = None  # superseded
        frame.arrive()
        for register, operand in written.items():
            frame.write(register, operand)
        frame.pending = loaded
        frame.time += 1
        frame.cycles += 1

    def _step(self, step: Step, frame: FrameState) -> None:
        self._look_ahead(step, frame)
        self._stall(step, frame)
        lifter = self._lift(step, frame, (step.pc, frame.copy()))
        cycle = frame.cycles
        self._complete(lifter, frame)
        self._occupy(step, frame, cycle)

    def _occupy(self, step: Step, frame: FrameState, cycle: int) -> None:
        if self.profile.hi_lo_interlock:
            for name in occupied_by(step.effects):
                frame.occupied[name] = cycle

    def _look_ahead(self, step: Step, frame: FrameState) -> None:
        """Early fetch faults: the last instruction but one looks at the next page."""
        if self.profile.early_fetch_faults and step.pc & 0xFFF == LAST_BUT_ONE:
            with self.b.cold_if(self.region.is_unmapped((step.pc >> 12) + 1 & 0xFFFFF)):
                self._interpret(step.pc, frame.copy())

    # HI and LO.

    def _stall(self, step: Step, frame: FrameState) -> None:
        """Wait until HI or LO are there, in cycles that are counted."""
        if not self.profile.hi_lo_interlock:
            return
        used = used_by(step.effects)
        if not used:
            return
        if frame.cycles == 0:
            self._wait_for_earlier_blocks(used)
            return
        wait = stall(used, frame.occupied, frame.cycles)
        if wait > 0:
            self.region.add_stall(wait)
            frame.cycles += wait

    def _wait_for_earlier_blocks(self, used: Iterable[str]) -> None:
        """The block before may have occupied HI or LO in its last cycle: then one passes."""
        b, late = self.b, "false"
        soon = b.emit(f"add i64 {self.start}, {OCCUPIED}")
        for name in used:
            then = self.region.occupied[name].get()
            late = b.emit(f"or i1 {late}, {b.emit(f'icmp slt i64 {then}, {soon}')}")
        cycles = b.emit(f"zext i1 {late} to i64")
        self.region.add_stall(cycles)
        self.start = b.emit(f"sub i64 {self.start}, {cycles}")

    def _note_occupied(self, frame: FrameState) -> None:
        """Remember the budget with which HI and LO were last occupied."""
        for name, cycle in frame.occupied.items():
            then = self.b.emit(f"sub i64 {self.start}, {cycle}") if cycle else self.start
            self.region.occupied[name].set(then)

    # Going on.

    def _branch(self, branch: Step, slot: Step, frame: FrameState) -> None:
        self._look_ahead(branch, frame)
        before = frame.copy()
        lifter = self._lift(branch, frame, (branch.pc, before))
        assert lifter.branched is not None
        condition, target = lifter.branched
        self._complete(lifter, frame)
        if not isinstance(target, Symbol):
            self._branch_to(target & WORD, condition, branch, slot, frame, before)
        else:
            self._jump(target.i32(), branch, slot, frame, before)

    def _branch_to(
        self,
        target: int,
        condition: Value,
        branch: Step,
        slot: Step,
        frame: FrameState,
        before: FrameState,
    ) -> None:
        b = self.b
        if isinstance(condition, Symbol):
            taken, untaken = b.label("taken"), b.label("untaken")
            b.branch(condition.i1(), taken, untaken)
            b.place(taken)
            with b.scope():
                self._through_slot(target, branch, slot, frame.copy(), before)
            b.place(untaken)
            with b.scope():
                following = self.block.following
                assert following is not None
                if self.profile.untaken_branch_has_slot:
                    self._through_slot(following, branch, slot, frame.copy(), before)
                else:
                    self._edge(following, frame.copy())
        else:
            self._through_slot(target, branch, slot, frame, before)

    def _through_slot(
        self, target: int, branch: Step, slot: Step, frame: FrameState, before: FrameState
    ) -> None:
        """Execute the delay slot, then go to `target`."""
        checked = False
        if self.profile.early_fetch_faults and target >> 12 != self.page:
            # The target is translated at the jump, before its delay slot.
            checked = True
            unfit = self._cannot_go(target)
            if unfit:
                with self.b.cold_if(unfit):
                    self._interpret(branch.pc, before)
        self._slot(slot, frame, branch, before)
        self._edge(target, frame, checked=checked)

    def _cannot_go(self, target: int) -> Operand:
        """An i1: must the jump to another page be left to the interpreter? "" if not."""
        page = target >> 12
        if target not in self.region.region.blocks:
            return self.region.is_unmapped(page)
        return self.region.is_elsewhere(page)

    def _slot(self, slot: Step, frame: FrameState, branch: Step, before: FrameState) -> None:
        lifter = self._lift(slot, frame, (branch.pc, before))
        cycle = frame.cycles
        self._complete(lifter, frame)
        self._occupy(slot, frame, cycle)

    def _jump(
        self, target: Operand, branch: Step, slot: Step, frame: FrameState, before: FrameState
    ) -> None:
        """To the address in a register: one of those that are known, or any other."""
        b = self.b
        known = [pc for pc in self.block.targets if pc in self.region.region.blocks]
        labels = [b.label("known") for _ in known]
        other = b.label("other")
        cases = " ".join(
            f"i32 {pc}, label %{label}" for pc, label in zip(known, labels, strict=True)
        )
        b.do(f"switch i32 {target}, label %{other} [{cases}]")
        for pc, label in zip(known, labels, strict=True):
            b.place(label)
            with b.scope():
                self._through_slot(pc, branch, slot, frame.copy(), before)
        with b.cold():
            b.place(other)
            self._jump_out(target, branch, slot, frame.copy(), before)

    def _jump_out(
        self, target: Operand, branch: Step, slot: Step, frame: FrameState, before: FrameState
    ) -> None:
        b = self.b
        if self.profile.early_fetch_faults:
            address = Symbol.of_i32(b, target)
            page = (address >> 12).i64()
            at = b.emit(f"getelementptr i64, ptr {self.region.codes}, i64 {page}")
            unknown = Symbol.of_i1(
                b, b.emit(f"icmp eq i64 {b.emit(f'load i64, ptr {at}, align 8')}, 0")
            )
            last = (address & 0xFFC) == 0xFFC
            with b.cold_if((((address & 3) != 0) | last | unknown).i1()):
                self._interpret(branch.pc, before)
        self._slot(slot, frame, branch, before)
        self._settle(frame)
        self._write_back(frame)
        self.region.go(target, self._left(frame), jump_from=str(branch.pc))

    def _settle(self, frame: FrameState) -> None:
        """The block is complete: what it changed goes into the region's variables."""
        frame.arrive()
        self._note_occupied(frame)
        for register, operand in frame.written.items():
            self.region.registers[register].set(operand)
        self.region.budget.set(self._left(frame))

    def _write_back(self, frame: FrameState) -> None:
        for register in sorted({register for _, register in self.dirty} | frame.written.keys()):
            self._store_variable(register)

    def _edge(self, target: int, frame: FrameState, checked: bool = False) -> None:
        """Go on at `target`, in the region or outside."""
        b, region = self.b, self.region
        self._settle(frame)
        if target not in region.region.blocks:
            self._write_back(frame)
            if target >> 12 == self.page:
                region.dispatch(target, self._left(frame))
            else:
                region.go(str(target), self._left(frame))
            return
        page = target >> 12
        if page != self.page:
            if not checked:
                with b.cold_if(region.is_elsewhere(page)):
                    self._write_back(frame)
                    region.go(str(target), self._left(frame))
            region.make_present(page)
        if target in region.region.loops:
            # Looked at here, where the budget has just been reckoned, and not in the loop's head:
            # that is one instruction less a turn.
            short = b.emit(f"icmp slt i64 {self._left(frame)}, {region.region.bounds[target]}")
            b.branch(short, region.spent_label(target), region.label(target), "unlikely")
        else:
            b.jump(region.label(target))


def _operand(value: Value) -> Operand:
    return value.i32() if isinstance(value, Symbol) else str(int(value) & WORD)


def _whole(value: Value) -> None:
    """Compute a value in 64 bits, of which the low half is then a part."""
    if isinstance(value, Symbol):
        operand = value.i64()
        value.narrow(operand)
