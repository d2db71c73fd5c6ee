"""Slow paths of loads and stores: translation, table filling, devices.

Each returns a host address, or NOWHERE after noting in the context what the handler must do
instead: raise an exception (`fault_code`) or leave the engine (`fault_reason`).
"""

import ctypes

from kseg.engine.codegen.typed import pointer, u32, u64, unlikely
from kseg.engine.contract import ExitReason
from kseg.engine.interpreter.layout import (
    EXECUTABLE,
    LATCH_BUS_ERROR,
    LATCH_LOADED,
    LATCH_STORED,
    LOAD,
    STEADY_SLOTS,
    STORE,
    WRITABLE,
    Context,
    PageTable,
    RegionEntry,
)
from kseg.engine.interpreter.runtime.address_translation import (
    NO_ADDRESS,
    NOWHERE,
    fault,
    find_region,
    hardware_address,
    hardware_region,
    holds_whole_page,
    host_address,
    is_kept,
    page_number,
    translate,
)
from kseg.engine.interpreter.runtime.code_pages import store_into_code
from kseg.engine.interpreter.runtime.stops import HIT, UNWATCHED, watched
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode

MEMORY_ONLY = 0x100
"""Added to the size of a store: one to no memory is a bus error, and no device is asked."""


def slow_load(context: Context, address: u32, size: u32, reported: u32) -> pointer:
    """Where a load finds its bytes; `reported` is the address in an exception."""
    translated = translate(context, address, size, reported, LOAD)
    if unlikely(translated == NO_ADDRESS):
        return NOWHERE
    if context.processor.status & r.STATUS_ISC:
        return ctypes.addressof(context) + Context.zero.offset
    near = watched(context, address, size, LOAD)
    if near == HIT:
        return NOWHERE
    physical = u64(translated)
    found = find_region(context, physical)
    if found == NOWHERE:
        return load_from_device(context, physical, size)
    guest = RegionEntry.from_address(found)
    region, place = hardware_region(context, guest), hardware_address(guest, physical)
    host = host_address(region, place)
    if near == UNWATCHED and holds_whole_page(region, place):
        enter_page(context.reads, address, host)
    return host


def slow_store(
    context: Context, address: u32, flagged_size: u32, reported: u32, value: u32, mask: u32
) -> pointer:
    """Where a store is to put its bytes; `flagged_size` may have MEMORY_ONLY added."""
    size = flagged_size % MEMORY_ONLY
    translated = translate(context, address, size, reported, STORE)
    if unlikely(translated == NO_ADDRESS):
        return NOWHERE
    if context.processor.status & r.STATUS_ISC:
        return ctypes.addressof(context) + Context.scratch.offset
    near = watched(context, address, size, STORE)
    if near == HIT:
        return NOWHERE
    physical = u64(translated)
    found = find_region(context, physical)
    if found == NOWHERE and flagged_size < MEMORY_ONLY:
        return store_to_device(context, physical, size, value & mask, mask)
    if found == NOWHERE:
        fault(context, ExceptionCode.DATA_BUS_ERROR, 0, 0)
        return NOWHERE
    guest = RegionEntry.from_address(found)
    if unlikely(is_kept(guest, physical)):
        return ask(context, ExitReason.PAGE_STORE, physical, size)
    region, place = hardware_region(context, guest), hardware_address(guest, physical)
    if not region.flags & WRITABLE:
        fault(context, ExceptionCode.DATA_BUS_ERROR, 0, 0)
        return NOWHERE
    host = host_address(region, place)
    # Where the page has been decoded, its slot stays empty and every store comes by here.
    if region.flags & EXECUTABLE and store_into_code(context, page_number(region, place), place):
        return host
    if near == UNWATCHED and holds_whole_page(region, place):
        enter_page(context.writes, address, host)
    return host


def check_load(context: Context, address: u32) -> pointer:
    """Not NOWHERE if a word could be loaded, as far as translation goes."""
    if translate(context, address, 4, address, LOAD) == NO_ADDRESS:
        return NOWHERE
    return ctypes.addressof(context) + Context.scratch.offset


def enter_page(table: pointer, address: u32, host: pointer) -> None:
    """Enter the page of an address into a data table, so that the next access is fast."""
    PageTable.from_address(table)[address >> 12] = u64(host - address)


# Devices.


def load_from_device(context: Context, physical: u64, size: u32) -> pointer:
    """Where the answer lies, if there is one already; else it is asked for."""
    if context.latch == LATCH_LOADED:
        return ctypes.addressof(context) + Context.latch_value.offset
    if context.latch == LATCH_BUS_ERROR:
        fault(context, ExceptionCode.DATA_BUS_ERROR, 0, 0)
        return NOWHERE
    engine = context.engine
    key = u64(size << 32 | physical)
    # The run loop may have said that the answer stays the same.
    slot = physical >> 2 & STEADY_SLOTS - 1
    if engine.steady_keys[slot] == key:
        return ctypes.addressof(engine.steady_values) + 8 * slot
    return ask(context, ExitReason.DEVICE_LOAD, physical, size)


def store_to_device(context: Context, physical: u64, size: u32, value: u32, mask: u32) -> pointer:
    """The same for a store, whose bytes go nowhere once it has its answer."""
    if context.latch == LATCH_STORED:
        return ctypes.addressof(context) + Context.scratch.offset
    if context.latch == LATCH_BUS_ERROR:
        fault(context, ExceptionCode.DATA_BUS_ERROR, 0, 0)
        return NOWHERE
    context.exit_value = value
    context.exit_mask = mask
    return ask(context, ExitReason.DEVICE_STORE, physical, size)


def ask(context: Context, reason: u32, physical: u64, size: u32) -> pointer:
    """Leave the engine, noting what is wanted."""
    context.fault_reason = reason
    context.exit_address = u32(physical)
    context.exit_size = size
    return NOWHERE
