"""Native code pages: finding, making and giving them up (`decoding` fills them in).

A code page belongs to a physical page, so that its entries serve every address space and survive
TLB changes. While a physical page has one, no write table maps it: every store comes through
`store_into_code`, which makes the entry of the changed word decode again.
"""

from kseg.engine.codegen.builder import FunctionBuilder, Operand
from kseg.engine.codegen.value import Symbol
from kseg.engine.interpreter import fields
from kseg.engine.interpreter.layout import (
    BREAKPOINT,
    CODE_PAGE_HOST,
    CODE_PAGE_NEXT,
    CODE_PAGE_NUMBER,
    CODE_PAGE_PHYSICAL,
    CODE_PAGE_STORES,
    CODE_PAGE_STRIDE,
    CODE_PAGE_TRANSLATED,
    CONTEXT_OFFSETS,
    ENTRIES,
    ENTRY_OPERATION,
    ENTRY_SIZE,
    EXECUTABLE,
    PAGE_END,
    PREDECODE,
    RESUME_UNKNOWN,
    SENTINEL,
    SENTINELS,
    SHARED_OFFSETS,
    TRANSLATED,
    RegionEntry,
)
from kseg.engine.interpreter.runtime.debug_stops import has_breakpoint_bit
from kseg.engine.interpreter.runtime.invalidation import (
    clear_translated,
    drop_if_translated,
    is_covered,
)
from kseg.engine.interpreter.runtime.memory import (
    FETCH,
    NO_ADDRESS,
    fault,
    find,
    page_number,
    region_field,
    resolve,
    state_of,
    u32,
    whole_page_inside,
)
from kseg.engine.interpreter.runtime.tlb import is_mapped, tlb_word
from kseg.engine.state import TLB_SIZE
from kseg.isa import registers as r
from kseg.isa.exceptions import ExceptionCode
from kseg.isa.profile import Profile

STORES_UNTIL_DATA = 64
"""After so many stores into a decoded page it is taken for data again."""

NOPS_LOOKED_THROUGH = 3
"""How many nops an instruction may be away from the one whose result it takes over."""

LAST_BUT_ONE = ENTRIES - 2
"""Where a processor with early fetch faults looks at the next page."""


def functions(profile: Profile) -> list[str]:
    """The text of every function of this file."""
    return [
        _forget_in(profile),
        _forget(),
        _reset_entry(profile),
        _give_up(),
        _store_into_code(),
        _make_code_page(),
        _slow_fetch(),
        _memory_changed(),
        _entry_changed(),
    ]


def handler_of(b: FunctionBuilder, table: str, operation: Operand) -> Operand:
    """The handler for an i64 operation in one of the tables of Shared."""
    shared = fields.load_pointer(b, "shared")
    at = b.emit(f"shl i64 {operation}, 3")
    return b.load("ptr", b.offset(shared, SHARED_OFFSETS[table]), at)


def code_page_of(b: FunctionBuilder, entry: Operand) -> Operand:
    """The code page that holds an entry."""
    address = b.emit(f"ptrtoint ptr {entry} to i64")
    return b.emit(f"inttoptr i64 {b.emit(f'and i64 {address}, -{CODE_PAGE_STRIDE}')} to ptr")


def entry_number(b: FunctionBuilder, entry: Operand) -> Operand:
    """The number of an entry in its page, an i64."""
    address = b.emit(f"ptrtoint ptr {entry} to i64")
    inside = b.emit(f"and i64 {address}, {CODE_PAGE_STRIDE - 1}")
    return b.emit(f"lshr i64 {inside}, 4")


def entry_host(b: FunctionBuilder, entry: Operand) -> Operand:
    """The host address of an entry's instruction."""
    host = b.load("ptr", code_page_of(b, entry), CODE_PAGE_HOST)
    return b.offset(host, b.emit(f"shl i64 {entry_number(b, entry)}, 2"))


def _forget() -> str:
    """Empty, for every processor, each slot that maps a physical page number.

    `kernel` and `user` are the offsets in Context of the tables: writes or codes.
    """
    b = FunctionBuilder(
        "forget",
        "void",
        [("ptr", "context"), ("i32", "page"), ("i64", "kernel"), ("i64", "user")],
        "internal",
    )
    shared = fields.load_pointer(b, "shared")
    with b.count(b.load("i64", shared, SHARED_OFFSETS["context_count"])) as number:
        contexts = b.offset(shared, SHARED_OFFSETS["contexts"])
        other = b.load("ptr", contexts, b.emit(f"shl i64 {number}, 3"))
        region = b.load("ptr", other, CONTEXT_OFFSETS["regions"])
        frames = b.load("ptr", region, RegionEntry.frames.offset)
        given = "i64 %kernel, i64 %user"
        direct = b.emit(f"icmp eq ptr {frames}, null")
        with b.if_(direct):
            b.do(f"call void @forget_in(ptr {other}, i32 %page, {given})")
        with b.if_(b.emit(f"xor i1 {direct}, true")):
            # Of paged memory, several pages can lie in one of the hardware's.
            pages = b.emit(f"lshr i64 {b.load('i64', region, RegionEntry.end.offset)}, 12")
            with b.count(pages) as paged:
                frame = u32(b, b.load("i32", frames, b.emit(f"shl i64 {paged}, 2"))) >> 12
                with b.if_((frame == u32(b, "%page")).i1(), "unlikely"):
                    narrow = b.emit(f"trunc i64 {paged} to i32")
                    b.do(f"call void @forget_in(ptr {other}, i32 {narrow}, {given})")
    b.do("ret void")
    return b.text("noinline")


def _forget_in(profile: Profile) -> str:
    """Empty, for one processor, each slot that maps a physical page number of its own."""
    b = FunctionBuilder(
        "forget_in",
        "void",
        [("ptr", "context"), ("i32", "page"), ("i64", "kernel"), ("i64", "user")],
        "internal",
    )
    page = u32(b, "%page")
    kernel, user = b.load("ptr", "%context", "%kernel"), b.load("ptr", "%context", "%user")

    def empty(virtual_page: Symbol, tables: tuple[Operand, ...]) -> None:
        at = b.emit(f"shl i64 {virtual_page.i64()}, 3")
        for table in tables:
            b.store("i64", "0", table, at)

    with b.if_((page <= r.UNMAPPED_MASK >> 12).i1()):
        empty(page | r.KSEG0 >> 12, (kernel,))
        empty(page | r.KSEG1 >> 12, (kernel,))
    with b.if_((page < u32(b, fields.load_context(b, "window_size")) >> 12).i1()):
        empty(page + (u32(b, fields.load_context(b, "window_base")) >> 12), (kernel,))
    if profile.has_tlb:
        state_of(b)
        with b.count(TLB_SIZE) as entry:
            low = tlb_word(b, "tlb_entry_lo", entry)
            virtual = tlb_word(b, "tlb_entry_hi", entry) >> 12
            with b.if_((((low >> 12) == page) & is_mapped(virtual)).i1()):
                empty(virtual, (kernel, user))
    else:
        empty(page, (kernel, user))
    b.do("ret void")
    return b.text("noinline")


def _call_forget(b: FunctionBuilder, page: Operand, table: str) -> None:
    kernel, user = CONTEXT_OFFSETS[f"kernel_{table}"], CONTEXT_OFFSETS[f"user_{table}"]
    b.do(f"call void @forget(ptr %context, i32 {page}, i64 {kernel}, i64 {user})")


def _reset_entry(profile: Profile) -> str:
    """Make an entry decode its instruction anew when it is next executed."""
    b = FunctionBuilder("reset_entry", "void", [("ptr", "context"), ("ptr", "entry")], "internal")
    handler, operation = handler_of(b, "handlers", str(PREDECODE)), str(PREDECODE)
    if profile.early_fetch_faults:
        at_end = b.emit(f"icmp eq i64 {entry_number(b, '%entry')}, {LAST_BUT_ONE}")
        page_end = handler_of(b, "handlers", str(PAGE_END))
        handler = b.emit(f"select i1 {at_end}, ptr {page_end}, ptr {handler}")
        operation = b.emit(f"select i1 {at_end}, i8 {PAGE_END}, i8 {PREDECODE}")
    set_here = has_breakpoint_bit(b, entry_number(b, "%entry"))
    stopping = handler_of(b, "handlers", str(BREAKPOINT))
    handler = b.emit(f"select i1 {set_here}, ptr {stopping}, ptr {handler}")
    operation = b.emit(f"select i1 {set_here}, i8 {BREAKPOINT}, i8 {operation}")
    b.store("ptr", handler, "%entry")
    b.store("i8", operation, "%entry", ENTRY_OPERATION)
    b.do("ret void")
    return b.text("noinline")


def _give_up() -> str:
    """Forget a code page and put it on the free list."""
    b = FunctionBuilder("give_up", "void", [("ptr", "context"), ("ptr", "code_page")], "internal")
    shared = fields.load_pointer(b, "shared")
    physical = b.load("i64", "%code_page", CODE_PAGE_PHYSICAL)
    page = b.emit(f"trunc i64 {b.emit(f'lshr i64 {physical}, 12')} to i32")
    _call_forget(b, page, "codes")
    with b.count(b.load("i64", shared, SHARED_OFFSETS["context_count"])) as other:
        contexts = b.offset(shared, SHARED_OFFSETS["contexts"])
        context = b.load("ptr", contexts, b.emit(f"shl i64 {other}, 3"))
        in_ring = b.load("ptr", context, CONTEXT_OFFSETS["next"])
        with b.if_(b.emit(f"icmp ne ptr {in_ring}, null")):
            b.do(f"call void @materialise(ptr {context})")
        b.store("i64", str(RESUME_UNKNOWN), context, CONTEXT_OFFSETS["resume"])
    drop_if_translated(b, "%code_page")
    number = b.load("i64", "%code_page", CODE_PAGE_NUMBER)
    at = b.emit(f"shl i64 {number}, 3")
    b.store("i64", "0", fields.shared_pointer(b, "code_page_of"), at)
    b.store("ptr", b.load("ptr", shared, SHARED_OFFSETS["free"]), "%code_page", CODE_PAGE_NEXT)
    b.store("ptr", "%code_page", shared, SHARED_OFFSETS["free"])
    b.do("ret void")
    return b.text("noinline")


def _store_into_code() -> str:
    """A store is about to change physical memory: is the page decoded, and to stay so?"""
    b = FunctionBuilder(
        "store_into_code",
        "i1",
        [("ptr", "context"), ("i64", "number"), ("i64", "physical")],
        "internal",
    )
    pages = fields.shared_pointer(b, "code_page_of")
    code_page = b.load("ptr", pages, b.emit("shl i64 %number, 3"))
    with b.leave_if(b.emit(f"icmp eq ptr {code_page}, null")):
        b.return_("i1", "false")
    stores = b.emit(f"add i64 {b.load('i64', code_page, CODE_PAGE_STORES)}, 1")
    b.store("i64", stores, code_page, CODE_PAGE_STORES)
    word = b.emit("and i64 %physical, 4092")
    entry = b.offset(code_page, b.emit(f"shl i64 {word}, 2"))
    with b.if_(is_covered(b, code_page, b.emit(f"lshr i64 {word}, 2"))):
        drop_if_translated(b, code_page)
    many = b.emit(f"icmp ugt i64 {stores}, {STORES_UNTIL_DATA}")
    elsewhere = b.emit(f"icmp ne ptr {code_page}, {fields.load_pointer(b, 'code_page')}")
    translated = b.load("i64", code_page, CODE_PAGE_TRANSLATED)
    # Data beside code that is worth a translation is no reason to lose that.
    given_up = b.emit(f"and i1 {many}, {elsewhere}")
    given_up = b.emit(f"and i1 {given_up}, {b.emit(f'icmp eq i64 {translated}, 0')}")
    with b.leave_if(given_up):
        b.do(f"call void @give_up(ptr %context, ptr {code_page})")
        b.return_("i1", "false")
    b.do(f"call void @reset_entry(ptr %context, ptr {entry})")
    # The handlers of the next entries may count on what this one leaves in the accumulator. Where
    # a translation that does not concern this one begins, nothing counts on it.
    with b.count(NOPS_LOOKED_THROUGH + 1) as distance:
        ahead = b.emit(f"shl i64 {b.emit(f'add i64 {distance}, 1')}, 4")
        following = b.offset(entry, ahead)
        in_page = b.emit(f"icmp ult i64 {entry_number(b, following)}, {ENTRIES}")
        operation = b.load("i8", following, ENTRY_OPERATION)
        counts = b.emit(f"icmp ne i8 {operation}, {TRANSLATED}")
        with b.if_(b.emit(f"and i1 {in_page}, {counts}")):
            b.do(f"call void @reset_entry(ptr %context, ptr {following})")
    b.return_("i1", "true")
    return b.text("noinline")


def _make_code_page() -> str:
    """A code page, all of it still to be decoded, for the page of %physical in %region."""
    b = FunctionBuilder(
        "make_code_page",
        "ptr",
        [("ptr", "context"), ("ptr", "region"), ("i64", "physical")],
        "internal",
    )
    shared = fields.load_pointer(b, "shared")

    def shared_field(name: str) -> Operand:
        return b.load("ptr", shared, SHARED_OFFSETS[name])

    # Where nothing is free and the pool is used up, everything is given up except the page that
    # is being executed.
    none_free = b.emit(f"icmp eq ptr {shared_field('free')}, null")
    used_up = b.emit(f"icmp uge ptr {shared_field('pool_next')}, {shared_field('pool_end')}")
    with b.if_(b.emit(f"and i1 {none_free}, {used_up}"), "unlikely"):
        page = b.variable("ptr", shared_field("pool"))
        with b.loop() as done:
            at = page.get()
            b.leave_loop_if(b.emit(f"icmp uge ptr {at}, {shared_field('pool_end')}"), done)
            executing = fields.load_pointer(b, "code_page")
            with b.if_(b.emit(f"icmp ne ptr {at}, {executing}")):
                b.do(f"call void @give_up(ptr %context, ptr {at})")
            page.set(b.offset(at, CODE_PAGE_STRIDE))

    chosen = b.variable("ptr", shared_field("free"))
    fresh = b.emit(f"icmp eq ptr {chosen.get()}, null")
    with b.if_(fresh):
        chosen.set(shared_field("pool_next"))
        b.store(
            "ptr", b.offset(chosen.get(), CODE_PAGE_STRIDE), shared, SHARED_OFFSETS["pool_next"]
        )
    with b.if_(b.emit(f"xor i1 {fresh}, true")):
        b.store("ptr", b.load("ptr", chosen.get(), CODE_PAGE_NEXT), shared, SHARED_OFFSETS["free"])
    code_page = chosen.get()

    with b.count(ENTRIES) as number:
        entry = b.offset(code_page, b.emit(f"shl i64 {number}, 4"))
        b.do(f"call void @reset_entry(ptr %context, ptr {entry})")
    sentinel = handler_of(b, "handlers", str(SENTINEL))
    for number_ in range(ENTRIES, ENTRIES + SENTINELS):
        b.store("ptr", sentinel, code_page, number_ * ENTRY_SIZE)
        b.store("i8", str(SENTINEL), code_page, number_ * ENTRY_SIZE + ENTRY_OPERATION)
    page_ = b.emit("and i64 %physical, -4096")
    inside = b.emit(f"sub i64 {page_}, {region_field(b, 'base')}")
    number = page_number(b, page_)
    b.store("ptr", b.offset(region_field(b, "host"), inside), code_page, CODE_PAGE_HOST)
    b.store("i64", number, code_page, CODE_PAGE_NUMBER)
    b.store("i64", page_, code_page, CODE_PAGE_PHYSICAL)
    b.store("i64", "0", code_page, CODE_PAGE_STORES)
    clear_translated(b, code_page)
    at_ = b.emit(f"shl i64 {number}, 3")
    b.store("ptr", code_page, fields.shared_pointer(b, "code_page_of"), at_)
    _call_forget(b, b.emit(f"trunc i64 {b.emit(f'lshr i64 {page_}, 12')} to i32"), "writes")
    b.return_("ptr", code_page)
    return b.text("noinline")


def _slow_fetch() -> str:
    """The code page for virtual %pc in the present mode, entered into the code table; or null
    after noting the exception."""
    b = FunctionBuilder("slow_fetch", "ptr", [("ptr", "context"), ("i32", "pc")], "internal")
    physical = b.emit(f"call i64 @translate(ptr %context, i32 %pc, i32 4, i32 %pc, i32 {FETCH})")
    with b.leave_if(b.emit(f"icmp eq i64 {physical}, {NO_ADDRESS}")):
        b.return_("ptr", "null")

    def if_not_executable() -> None:
        fault(b, int(ExceptionCode.INSTRUCTION_BUS_ERROR))
        b.return_("ptr", "null")

    with b.leave_if(find(b, physical)):
        if_not_executable()
    physical = resolve(b, physical)
    executable = (u32(b, region_field(b, "flags")) & EXECUTABLE) != 0
    whole = executable & Symbol.of_i1(b, whole_page_inside(b, physical))
    with b.leave_if((whole == 0).i1()):
        if_not_executable()
    at = b.emit(f"shl i64 {page_number(b, physical)}, 3")
    code_page = b.variable("ptr", b.load("ptr", fields.shared_pointer(b, "code_page_of"), at))
    with b.if_(b.emit(f"icmp eq ptr {code_page.get()}, null")):
        made = b.emit(f"call ptr @make_code_page(ptr %context, ptr %region, i64 {physical})")
        code_page.set(made)
    slot = (u32(b, "%pc") >> 12).i64()
    b.store("ptr", code_page.get(), fields.load_pointer(b, "codes"), b.emit(f"shl i64 {slot}, 3"))
    b.return_("ptr", code_page.get())
    return b.text("noinline")


def _memory_changed() -> str:
    """Page %number was changed, not by the guest: decode all of it again. The engine is not
    running."""
    b = FunctionBuilder("memory_changed", "void", [("ptr", "context"), ("i64", "number")], "hidden")
    at = b.emit("shl i64 %number, 3")
    code_page = b.load("ptr", fields.shared_pointer(b, "code_page_of"), at)
    with b.if_(b.emit(f"icmp ne ptr {code_page}, null")):
        drop_if_translated(b, code_page)
        with b.count(ENTRIES) as number:
            entry = b.offset(code_page, b.emit(f"shl i64 {number}, 4"))
            b.do(f"call void @reset_entry(ptr %context, ptr {entry})")
    b.do("ret void")
    return b.text("noinline")


def _entry_changed() -> str:
    """One instruction of a page is to be decoded again, with another answer to whether there is a
    breakpoint: that at number %which modulo ENTRIES in page %which / ENTRIES."""
    b = FunctionBuilder("entry_changed", "void", [("ptr", "context"), ("i64", "which")], "hidden")
    at = b.emit(f"shl i64 {b.emit(f'udiv i64 %which, {ENTRIES}')}, 3")
    code_page = b.load("ptr", fields.shared_pointer(b, "code_page_of"), at)
    with b.if_(b.emit(f"icmp ne ptr {code_page}, null")):
        number = b.emit(f"and i64 %which, {ENTRIES - 1}")
        with b.if_(is_covered(b, code_page, number)):
            drop_if_translated(b, code_page)
        entry = b.offset(code_page, b.emit(f"shl i64 {number}, 4"))
        b.do(f"call void @reset_entry(ptr %context, ptr {entry})")
    b.do("ret void")
    return b.text("noinline")
