"""`kseg.monitor.hypervisor.dispatcher` as machine code: `Dispatcher.run`, step by step.

It is the same code for every profile: what differs between R3000s is in the engine's functions,
which it calls through pointers in `World`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kseg.engine.codegen import vector
from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.structure import Structure
from kseg.engine.codegen.value import Symbol
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import LATCH_NONE, LEFT_KERNEL, STEADY_SLOTS, Shared
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.values import select
from kseg.monitor.hypervisor.dispatcher import INTO_THE_KERNEL
from kseg.monitor.hypervisor.native import shadow_tlb
from kseg.monitor.hypervisor.native.rewriting import rewrite
from kseg.monitor.hypervisor.native.scene import WORLD, Scene, is_user, u32
from kseg.monitor.hypervisor.native.shadow_tlb import FILLED, KEPT, NOT_MEMORY, shadow_asid
from kseg.monitor.hypervisor.world import UNPRIVILEGED, ExitKind

DIRECT, KERNEL_MODE = -2, -1
"""Instead of an ExitKind: the hardware can go on; virtual kernel mode is emulated."""
_NEVER = 1 << 40
_PRELUDE = """
declare i64 @llvm.umin.i64(i64, i64)
declare i64 @llvm.readcyclecounter()
!0 = !{!"branch_weights", i32 2000, i32 1}
!1 = !{!"branch_weights", i32 1, i32 2000}
"""


def build() -> str:
    """The module; its function is `supervise`, which takes and returns what `run` of the
    interpreter does."""
    functions = [*shadow_tlb.functions(), rewrite(), _classify(), _Supervise().text]
    return _PRELUDE + vector.DECLARATIONS + "\n".join(functions)


def _classify() -> str:
    """The hardware raised exception %code, not one of the TLB: the ExitKind."""
    parameters = [WORLD, ("i32", "code"), ("i32", "address")]
    b = FunctionBuilder("classify", "i32", parameters, "internal")
    scene = Scene(b)
    code, address = u32(b, "%code"), u32(b, "%address")
    in_kernel = is_user(scene.virtual) == 0
    with b.leave_if((code == int(ExceptionCode.SYSTEM_CALL)).i1()):
        b.return_("i32", str(int(ExitKind.SYSTEM_CALL)))
    privileged = (code == int(ExceptionCode.COPROCESSOR_UNUSABLE)) & in_kernel
    with b.leave_if(privileged.i1()):
        b.return_("i32", str(int(ExitKind.PRIVILEGED)))
    refused = (code == int(ExceptionCode.ADDRESS_ERROR_LOAD)) | (
        code == int(ExceptionCode.ADDRESS_ERROR_STORE)
    )
    with b.if_((refused & in_kernel & (address >= r.KSEG0)).i1()):
        is_fetch = address == scene.virtual["pc"]
        fetch, access = ExitKind.KERNEL_SEGMENT_FETCH, ExitKind.KERNEL_SEGMENT_ACCESS
        b.return_("i32", select(is_fetch, int(fetch), int(access)).i32())
        b.place(b.label("unreached"))
    b.return_("i32", str(int(ExitKind.OTHER_EXCEPTION)))
    return b.text("noinline")


class _Supervise:
    """The function `supervise(shared, limit)`: see `dispatcher.Dispatcher.run`."""

    def __init__(self) -> None:
        parameters = [("ptr", "shared"), ("i64", "limit")]
        self.b = b = FunctionBuilder("supervise", "i32", parameters, "hidden")
        self.shared = Structure(b, "%shared", Shared)
        b.do(f"%world = load ptr, ptr {self.shared.address('monitor')}")
        self.scene = Scene(b)
        self.kind = b.variable("i32", "0")
        self.direct = b.variable("i32", "0")
        self.since = b.variable("i64", "0")
        self.last = b.variable("i32", "0")
        self._enter()
        self.again = b.label("dispatch")
        b.jump(self.again)
        b.place(self.again)
        with b.scope():
            self._turn()
        self.text = b.text("noinline")

    def _enter(self) -> None:
        b, virtual = self.b, self.scene.virtual
        with b.if_((self.shared["keep_steady"] == 0).i1()):
            for slot in range(STEADY_SLOTS):
                b.store("i64", "0", self.shared.address("steady_keys"), 8 * slot)
        self.shared["keep_steady"] = 0
        self.scene.hardware_context["virtual"] = b.emit(f"ptrtoint ptr {virtual.base} to i64")
        with b.if_(((virtual["interrupt_lines"] & r.WAKING_LINES) != 0).i1()):
            virtual["waiting"] = 0

    def _turn(self) -> None:
        """One decision, and what follows from it."""
        b, virtual = self.b, self.scene.virtual
        clock = virtual["clock"].i64()
        timer = self._cycles_to_timer(clock)
        with b.leave_if(b.emit(f"icmp uge i64 {clock}, %limit")):
            self._return(str(int(ExitReason.BUDGET)))
        halted = (virtual["waiting"] != 0) | (virtual["enabled"] == 0)
        with b.leave_if(halted.i1()):
            self._return(str(int(ExitReason.IDLE)))
        self._decide()
        decided = self.kind.get()
        with b.if_(b.emit(f"icmp slt i32 {decided}, 0")):
            self._stop_watch()
        with b.if_(b.emit(f"icmp eq i32 {decided}, {DIRECT}")):
            self._run_directly(clock, timer)
        kind = self.kind.get()
        with b.if_(b.emit(f"icmp sge i32 {kind}, 0")):
            self._count(kind)
            wanted = self.scene.world["rewrites"] != 0
            privileged = u32(b, kind) == int(ExitKind.PRIVILEGED)
            with b.if_((wanted & privileged).i1()):
                b.do("call void @rewrite(ptr %world, ptr %shared)")
        # What leads to the guest's kernel is gone on with there by a hybrid monitor.
        leads = Symbol.of_i1(b, "false")
        for each in INTO_THE_KERNEL:
            leads = leads | (u32(b, kind) == int(each))
        in_kernel = Symbol.of_i1(b, b.emit(f"icmp slt i32 {kind}, 0"))
        # While exits are timed it is not, or the kernel's work would count as the exit's.
        hybrid, timed = self.scene.guest["hybrid"] != 0, self.scene.world["timed"] != 0
        on = in_kernel | (leads & hybrid & (timed == 0))
        self._emulate((on == 0).i1())
        b.jump(self.again)

    def _decide(self) -> None:
        """Set `kind`: why the hardware cannot go on with the guest, or DIRECT if it can. What is
        written last comes first."""
        b, scene, virtual = self.b, self.scene, self.scene.virtual
        status = u32(b, virtual["status"].i32())
        hybrid = (scene.guest["hybrid"] != 0) & ((status & r.STATUS_KUC) == 0)
        raised = virtual["cause"] | virtual["interrupt_lines"] | virtual["timer_line"]
        due = ((status & r.STATUS_IEC) != 0) & ((raised & status & r.STATUS_IM) != 0)
        isolated = (status & (r.STATUS_ISC | r.STATUS_SWC)) != 0
        answered = scene.virtual_context["latch"] != LATCH_NONE
        kind = select(isolated, int(ExitKind.PRIVILEGED), DIRECT)
        kind = select(hybrid, KERNEL_MODE, kind)
        kind = select(due, int(ExitKind.INTERRUPT), kind)
        kind = select(answered, int(ExitKind.ANSWER), kind)
        self.kind.set(kind.i32())

    def _cycles_to_timer(self, clock: Operand) -> Operand:
        b, virtual = self.b, self.scene.virtual
        cycles = b.variable("i64", str(_NEVER))
        with b.if_((virtual["timer_armed"] != 0).i1(), "unlikely"):
            count = b.emit(f"sub i64 {clock}, {virtual['count_origin'].i64()}")
            low = u32(b, b.emit(f"trunc i64 {count} to i32"))
            distance = b.variable("i32", (virtual["compare"] - low).i32())
            with b.if_((u32(b, distance.get()) == 0).i1()):
                virtual["count_origin"] = clock
                virtual["timer_line"] = r.TIMER_LINE
                distance.set(virtual["compare"].i32())
            left = u32(b, distance.get())
            cycles.set(left.i64())
            with b.if_((left == 0).i1()):
                cycles.set(str(1 << 32))
        return cycles.get()

    def _run_directly(self, clock: Operand, timer: Operand) -> None:
        """Let the hardware execute until something traps; goes on after it with `kind` set where
        something is to be emulated."""
        b, scene = self.b, self.scene
        virtual, hardware, context = scene.virtual, scene.hardware, scene.hardware_context
        self._choose_bank()
        _copy(b, virtual.base, hardware.base)
        coprocessors = virtual["status"] & (0xE << r.STATUS_CU_SHIFT)
        hardware["status"] = coprocessors | r.STATUS_KUC
        hardware["entry_hi"] = shadow_asid(b, scene)
        hardware["user_stalls"] = 0
        context["mode_since"] = clock
        until = b.emit(
            f"call i64 @llvm.umin.i64(i64 %limit, i64 {b.emit(f'add i64 {clock}, {timer}')})"
        )
        run = scene.world.pointer("run_processor")
        code = b.emit(f"call i32 {run}(ptr {context.base}, i64 {until})")
        _copy(b, hardware.base, virtual.base)
        self.direct.set("1")
        cycles = b.emit(f"sub i64 {virtual['clock'].i64()}, {clock}")
        scene.guest.add("direct_cycles", cycles)
        scene.virtual_context.add("mode_since", cycles)
        user = is_user(virtual).i1()
        for what, amount in (("cycles", cycles), ("stalls", hardware["user_stalls"].i64())):
            offsets = [virtual.offset(f"{mode}_{what}") for mode in ("user", "kernel")]
            at = b.emit(f"select i1 {user}, i64 {offsets[0]}, i64 {offsets[1]}")
            b.store(
                "i64",
                b.emit(f"add i64 {b.load('i64', virtual.base, at)}, {amount}"),
                virtual.base,
                at,
            )
        with b.if_(b.emit(f"icmp ne i32 {code}, {int(ExitReason.TRAP)}")):
            with b.leave_if(b.emit(f"icmp ne i32 {code}, {int(ExitReason.BUDGET)}")):
                # A stop for a debugger: it is the virtual processor that stands.
                for name in ("exit_address", "exit_size", "exit_value"):
                    scene.virtual_context[name] = context[name]
                self._return(code)
            b.jump(self.again)
            b.place(b.label("unreached"))
        self._start_watch()
        fault = u32(b, (context["fault_code"] & 0xFF).i32())
        address = context["fault_address"].i32()
        is_tlb = (fault >= int(ExceptionCode.TLB_MODIFIED)) & (
            fault <= int(ExceptionCode.TLB_STORE)
        )
        with self._either(is_tlb.i1(), lambda: self._classify(fault, address)):
            self._missed(fault, address)

    @contextmanager
    def _either(self, condition: Operand, otherwise: Callable[[], None]) -> Iterator[None]:
        """Code that runs where the i1 `condition` holds, else `otherwise`."""
        b = self.b
        yes, no, join = b.label("yes"), b.label("no"), b.label("join")
        b.branch(condition, yes, no)
        b.place(no)
        with b.scope():
            otherwise()
        b.jump(join)
        b.place(yes)
        with b.scope():
            yield
        b.jump(join)
        b.place(join)

    def _classify(self, fault: Symbol, address: Operand) -> None:
        call = f"call i32 @classify(ptr %world, i32 {fault.i32()}, i32 {address})"
        self.kind.set(self.b.emit(call))

    def _missed(self, fault: Symbol, address: Operand) -> None:
        """The shadow TLB did not have the page, or not for a store."""
        b, scene = self.b, self.scene
        store = (fault != int(ExceptionCode.TLB_LOAD)).i1()
        result = b.emit(f"call i32 @fill(ptr %world, i32 {address}, i1 {store})")
        with b.if_(b.emit(f"icmp eq i32 {result}, {FILLED}"), "likely"):
            kind = str(int(ExitKind.SHADOW_MISS))
            self.kind.set(kind)
            self._count(kind)
            b.jump(self.again)
            b.place(b.label("unreached"))
        with b.leave_if(b.emit(f"icmp eq i32 {result}, {KEPT}")):
            self._count(str(int(ExitKind.PAGE_STORE)))
            self._return(str(int(ExitReason.PAGE_STORE)))
        guest = scene.guest
        inside = u32(b, (u32(b, address) - guest["window_base"]).i32()) < guest["window_size"]
        device = inside & (is_user(scene.virtual) == 0)
        nowhere = Symbol.of_i1(b, b.emit(f"icmp eq i32 {result}, {NOT_MEMORY}"))
        access, reflected = ExitKind.KERNEL_SEGMENT_ACCESS, ExitKind.TLB_FAULT
        self.kind.set(select(device & nowhere, int(access), int(reflected)).i32())

    def _choose_bank(self) -> None:
        """Virtual kernel and user mode have tables of their own in the hardware's context (whose
        kernel mode's are not used otherwise), so that changing between them empties none."""
        b, scene = self.b, self.scene
        mode = u32(b, is_user(scene.virtual).i32())
        context = scene.hardware_context
        with b.if_((mode != scene.world["bank"]).i1()):
            scene.world["bank"] = mode
            for name in ("reads", "writes", "codes"):
                mine, other = context[f"user_{name}"].i64(), context[f"kernel_{name}"].i64()
                context[f"user_{name}"], context[f"kernel_{name}"] = other, mine
            asid, other_asid = context["asid"].i32(), scene.world["other_asid"].i32()
            context["asid"], scene.world["other_asid"] = other_asid, asid

    def _emulate(self, one: Operand) -> None:
        """Execute one instruction on the virtual processor, or all until user mode."""
        b, scene = self.b, self.scene
        virtual, context = scene.virtual, scene.virtual_context
        began = virtual["clock"].i64()
        following = b.emit(f"add i64 {began}, 1")
        until = b.emit(f"select i1 {one}, i64 {following}, i64 %limit")
        context["leaves_for_user"] = b.emit(f"select i1 {one}, i32 0, i32 1")
        run = scene.world.pointer("run_processor")
        code = b.emit(f"call i32 {run}(ptr {context.base}, i64 {until})")
        self.direct.set("0")
        cycles = b.emit(f"sub i64 {virtual['clock'].i64()}, {began}")
        scene.guest.add("emulated_cycles", cycles)
        written = context["tlb_written"].i64()
        with b.if_(b.emit(f"icmp ne i64 {written}, 0"), "unlikely"):
            b.do(f"call void @guest_wrote(ptr %world, i64 {written})")
            context["tlb_written"] = 0
        goes_on = (u32(b, code) == int(ExitReason.BUDGET)) | (u32(b, code) == LEFT_KERNEL)
        with b.leave_if((goes_on == 0).i1()):
            with b.if_((u32(b, code) == int(ExitReason.PAGE_STORE)).i1()):
                self._count(str(int(ExitKind.PAGE_STORE)))
            self._return(code)

    # Counting.

    def _count(self, kind: Operand) -> None:
        b = self.b
        self.last.set(kind)
        at = b.emit(f"shl i64 {b.emit(f'zext i32 {kind} to i64')}, 3")
        exits = self.scene.guest.address("exits")
        b.store("i64", b.emit(f"add i64 {b.load('i64', exits, at)}, 1"), exits, at)

    def _start_watch(self) -> None:
        b = self.b
        with b.if_((self.scene.world["timed"] != 0).i1(), "unlikely"):
            self.since.set(b.emit("call i64 @llvm.readcyclecounter()"))

    def _stop_watch(self) -> None:
        """The guest goes on: what has passed was the price of the last exit."""
        b = self.b
        with b.if_(b.emit(f"icmp ne i64 {self.since.get()}, 0"), "unlikely"):
            now = b.emit("call i64 @llvm.readcyclecounter()")
            passed = b.emit(f"sub i64 {now}, {self.since.get()}")
            self.since.set("0")
            at = b.emit(f"shl i64 {b.emit(f'zext i32 {self.last.get()} to i64')}, 3")
            ticks = self.scene.guest.address("ticks")
            b.store("i64", b.emit(f"add i64 {b.load('i64', ticks, at)}, {passed}"), ticks, at)

    def _return(self, code: Operand) -> None:
        b, scene = self.b, self.scene
        clock = scene.virtual["clock"].i64()
        resynchronise = scene.world.pointer("resynchronise")
        b.do(f"call void {resynchronise}(ptr {scene.virtual_context.base}, i64 {clock})")
        self.shared["round"] = clock
        self.shared["turn"] = 0
        direct = u32(b, self.direct.get()) != 0
        scene.hardware_context["unsampled"] = direct == 0
        scene.virtual_context["unsampled"] = direct | (scene.guest["hybrid"] == 0)
        b.return_("i32", code)


def _copy(b: FunctionBuilder, source: Operand, target: Operand) -> None:
    """What a guest may use of the hardware itself, from one state to another."""
    for offset, size in UNPRIVILEGED:
        done = 0
        while done < size:
            width = next(width for width in (16, 8, 4) if done + width <= size)
            type_ = {16: "<2 x i64>", 8: "i64", 4: "i32"}[width]
            b.store(type_, b.load(type_, source, offset + done), target, offset + done)
            done += width
