"""The dispatcher: lets a guest's vCPU run on the hardware, and decides what to do at its VM exits.

The hardware is always in user mode while a guest runs. What traps is one of three things. The page
is one that the guest may reach, and only the shadow TLB did not have it: enter it, and no observer
notices. The guest's kernel did what only a kernel may do: do it to the virtual processor, by that
instruction's own declaration. Or the guest's own hardware would have raised an exception there: do
to the virtual processor what the hardware does then, and go on at the guest's handler.

The last two are one act here, as they are on the hardware: the virtual processor executes one
instruction.

This is typed Python (`kseg.engine.codegen.typed`): CPython runs it, and it is the native code
too; `supervision` chooses. It is the same code for every profile: what differs between R3000s is in
the engine's functions, which `World` leads to.
"""

import ctypes

from kseg.engine.codegen.typed import copy, host_ticks, i32, likely, u32, u64, unlikely
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import LATCH_NONE, LEFT_KERNEL, STEADY_SLOTS, Shared
from kseg.engine.interpreter.runtime.interrupts import cycles_to_timer, interrupt_due
from kseg.engine.state import ProcessorState
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.floating_point import USABLE
from kseg.monitor.hypervisor.rewriting import rewrite
from kseg.monitor.hypervisor.shadow_tlb import Fill, fill, guest_wrote, is_user, shadow_asid
from kseg.monitor.hypervisor.world import FLOATING_POINT, UNPRIVILEGED, ExitKind, World

GOES_ON, DIRECT, KERNEL_MODE = -3, -2, -1
"""Instead of an ExitKind: the guest goes on at once; the hardware can go on with it; its virtual
kernel mode is emulated, all of it, by a hybrid monitor, and so is a guest that is traced."""
_COPROCESSORS = 0xE << r.STATUS_CU_SHIFT
"""CU3 to CU1: coprocessors that a guest may use itself. CU0 is never granted."""


def supervise(shared: Shared, limit: u64) -> i32:
    """Let the guest go on until its clock shows `limit`, or the run loop must be asked: an
    ExitReason. The virtual processor's context has what belongs to it."""
    world = World.from_address(shared.monitor)
    guest, virtual = world.present, world.virtual_state
    _enter(world, shared)
    direct: bool = False
    since: u64 = 0
    last: ExitKind = ExitKind.PRIVILEGED
    while True:
        # The hardware's own timer does not know of the guest's Compare.
        timer = cycles_to_timer(virtual)
        if virtual.clock >= limit:
            return _leave(world, shared, ExitReason.BUDGET, direct)
        if virtual.waiting or not virtual.enabled:
            return _leave(world, shared, ExitReason.IDLE, direct)
        kind: i32 = why_emulated(world)
        if kind < 0 and unlikely(since != 0):
            # The guest goes on: what has passed was the price of the last exit.
            guest.ticks[last] += host_ticks() - since
            since = 0
        if kind == DIRECT:
            direct = True
            code = run_directly(world, min(limit, u64(virtual.clock + timer)))
            if code == ExitReason.BUDGET:
                continue
            if code != ExitReason.TRAP:
                _stop_virtual(world)
                return _leave(world, shared, code, direct)
            if unlikely(world.timed != 0):
                since = host_ticks()
            kind = trapped(world)
            if kind == GOES_ON:
                last = ExitKind.SHADOW_MISS
                continue
            if kind == ExitKind.PAGE_STORE:
                guest.exits[ExitKind.PAGE_STORE] += 1
                return _leave(world, shared, ExitReason.PAGE_STORE, direct)
        if kind >= 0:
            last = ExitKind(kind)
            guest.exits[last] += 1
            if kind == ExitKind.PRIVILEGED and world.rewrites:
                rewrite(world, shared)
        # What leads to the guest's kernel is gone on with there by a hybrid monitor; while exits
        # are timed it is not, or the kernel's work would count as the exit's.
        on = kind < 0 or (leads_to_kernel(kind) and guest.hybrid != 0 and world.timed == 0)
        code_emulated = emulate(world, limit, one=not on)
        direct = False
        if code_emulated != ExitReason.BUDGET and code_emulated != LEFT_KERNEL:
            if code_emulated == ExitReason.PAGE_STORE:
                guest.exits[ExitKind.PAGE_STORE] += 1
            return _leave(world, shared, code_emulated, direct)


def _enter(world: World, shared: Shared) -> None:
    """What was kept of devices' answers, and of a processor that waits, may be void."""
    virtual = world.virtual_state
    if not shared.keep_steady:
        for slot in range(STEADY_SLOTS):
            shared.steady_keys[slot] = 0
    shared.keep_steady = 0
    world.hardware_context.virtual = ctypes.addressof(virtual)
    if virtual.interrupt_lines & r.WAKING_LINES:
        virtual.waiting = 0


def _leave(world: World, shared: Shared, code: i32, direct: bool) -> i32:
    """The exit is for the run loop; was the guest executed directly, last?"""
    clock = world.virtual_state.clock
    world.settle(world.virtual_context, clock)
    shared.round = clock
    shared.turn = 0
    world.hardware_context.unsampled = not direct
    world.virtual_context.unsampled = direct or world.present.hybrid == 0
    return code


def _stop_virtual(world: World) -> None:
    """The hardware stopped for a debugger: it is the virtual processor that stands."""
    virtual, hardware = world.virtual_context, world.hardware_context
    virtual.exit_address = hardware.exit_address
    virtual.exit_size = hardware.exit_size
    virtual.exit_value = hardware.exit_value


def leads_to_kernel(kind: i32) -> bool:
    """Is the guest in virtual kernel mode after this exit, with hardly an exception?"""
    return kind == ExitKind.SYSTEM_CALL or kind == ExitKind.TLB_FAULT or kind == ExitKind.INTERRUPT


def why_emulated(world: World) -> i32:
    """Why the hardware cannot go on with the guest now: an ExitKind, KERNEL_MODE, or DIRECT if it
    can."""
    virtual = world.virtual_state
    if world.virtual_context.latch != LATCH_NONE:
        return ExitKind.ANSWER
    status = virtual.status
    if interrupt_due(virtual):
        return ExitKind.INTERRUPT
    if (world.present.hybrid and not status & r.STATUS_KUC) or world.present.traced:
        return KERNEL_MODE
    if status & (r.STATUS_ISC | r.STATUS_SWC):
        # The hardware's caches are not the guest's to isolate.
        return ExitKind.PRIVILEGED
    return DIRECT


# Direct execution.


def run_directly(world: World, until: u64) -> i32:
    """Let the hardware execute until something traps, or the time is over: an ExitReason."""
    guest, virtual = world.present, world.virtual_state
    context, hardware = world.hardware_context, world.hardware_state
    choose_bank(world)
    floating_point = virtual.status & USABLE != 0
    copy_unprivileged(hardware, virtual, floating_point)
    hardware.status = r.STATUS_KUC | virtual.status & _COPROCESSORS
    hardware.entry_hi = shadow_asid(world)
    hardware.user_stalls = 0
    began = virtual.clock
    context.mode_since = began
    code = world.run(context, until)
    copy_unprivileged(virtual, hardware, floating_point)
    cycles = virtual.clock - began
    guest.direct_cycles += cycles
    world.virtual_context.mode_since += cycles
    if is_user(virtual):
        virtual.user_cycles += cycles
        virtual.user_stalls += hardware.user_stalls
    else:
        virtual.kernel_cycles += cycles
        virtual.kernel_stalls += hardware.user_stalls
    return code


def copy_unprivileged(target: ProcessorState, source: ProcessorState, floating_point: bool) -> None:
    """What a guest may use of the hardware itself."""
    for offset, size in UNPRIVILEGED:
        copy(ctypes.addressof(target) + offset, ctypes.addressof(source) + offset, size)
    if unlikely(floating_point):
        for offset, size in FLOATING_POINT:
            copy(ctypes.addressof(target) + offset, ctypes.addressof(source) + offset, size)


def choose_bank(world: World) -> None:
    """Virtual kernel and user mode have tables of their own in the hardware's context (whose
    kernel mode's are not used otherwise), so that changing between them empties none."""
    user, context = is_user(world.virtual_state), world.hardware_context
    if user != (world.bank != 0):
        world.bank = user
        reads, writes, codes = context.user_reads, context.user_writes, context.user_codes
        context.user_reads, context.kernel_reads = context.kernel_reads, reads
        context.user_writes, context.kernel_writes = context.kernel_writes, writes
        context.user_codes, context.kernel_codes = context.kernel_codes, codes
        context.asid, world.other_asid = world.other_asid, context.asid


# Traps.


def trapped(world: World) -> i32:
    """The hardware raised an exception: what is that to the guest? An ExitKind that is to be
    emulated, GOES_ON, or PAGE_STORE."""
    context, virtual = world.hardware_context, world.virtual_state
    code, address = context.fault_code & 0xFF, context.fault_address
    if ExceptionCode.TLB_MODIFIED <= code <= ExceptionCode.TLB_STORE:
        return missed(world, address, store=code != ExceptionCode.TLB_LOAD)
    in_kernel = not is_user(virtual)
    if code == ExceptionCode.SYSTEM_CALL:
        return ExitKind.SYSTEM_CALL
    if code == ExceptionCode.COPROCESSOR_UNUSABLE and in_kernel:
        return ExitKind.PRIVILEGED
    refused = code == ExceptionCode.ADDRESS_ERROR_LOAD or code == ExceptionCode.ADDRESS_ERROR_STORE
    if refused and in_kernel and address >= r.KSEG0:
        if address == virtual.pc:
            return ExitKind.KERNEL_SEGMENT_FETCH
        return ExitKind.KERNEL_SEGMENT_ACCESS
    return ExitKind.OTHER_EXCEPTION


def missed(world: World, address: u32, store: bool) -> i32:
    """The shadow TLB did not have the page, or not for a store."""
    guest = world.present
    result = fill(world, address, store)
    if likely(result == Fill.FILLED):
        guest.exits[ExitKind.SHADOW_MISS] += 1
        return GOES_ON
    if result == Fill.KEPT:
        return ExitKind.PAGE_STORE
    in_window = 0 <= address - guest.window_base < guest.window_size
    if result == Fill.NOT_MEMORY and in_window and not is_user(world.virtual_state):
        return ExitKind.KERNEL_SEGMENT_ACCESS
    return ExitKind.TLB_FAULT


# Emulation.


def emulate(world: World, limit: u64, one: bool) -> i32:
    """Execute `one` instruction on the virtual processor, or all until user mode."""
    virtual, context = world.virtual_state, world.virtual_context
    began = virtual.clock
    context.leaves_for_user = not one
    code = world.run(context, u64(began + 1) if one else limit)
    world.present.emulated_cycles += virtual.clock - began
    written = context.tlb_written
    if unlikely(written != 0):
        guest_wrote(world, written)
        context.tlb_written = 0
    return code
