"""What a thread of OS/161 waits for.

A sleeping thread is on the list of a wait channel, whose end leads to the channel. Students build
locks and condition variables from channels in their own ways; so what the channel belongs to is
found by types: the function that called `wchan_sleep` takes a pointer to a structure, and the
structure has a pointer to the channel. The thread still has the structure's address on its stack,
or else it is somewhere in memory. Its holder is what a member that points to a thread says.
"""

from collections.abc import Iterator, Sequence

from kseg.kernels.contract import GuestThread, Wait
from kseg.kernels.kernel_memory import KernelMemory
from kseg.symbols.symbol_file import SymbolFile
from kseg.symbols.types import Structure

MOST_NODES = 1000
MOST_WORDS = 1024
"""Of a stack."""
KINDS = {"cv": "condition variable", "wchan": "wait channel", "rwlock": "reader-writer lock"}


class Waits:
    """Finds it for one guest that stands."""

    def __init__(
        self,
        memory: KernelMemory,
        file: SymbolFile,
        thread: Structure,
        node: Structure,
        threads: Sequence[GuestThread],
    ) -> None:
        self._memory, self._types, self._file = memory, file.types, file
        self._thread, self._node = thread, node
        self._threads = {each.address: each for each in threads}
        self._unfound: dict[int, tuple[int, Structure]] = {}
        """By a thread's address: the channel, and the structure that is still to be found."""

    # Sleepers.

    def of_sleeper(self, thread: GuestThread) -> Wait:
        """As far as it is known at once; `complete` knows more."""
        name = self._channel_name(thread)
        channel = self._channel(thread)
        if channel is None:
            return Wait("wait channel", name)
        found = Wait("wait channel", name, channel)
        target, where = "wchan", channel
        for structure in self._takers(thread):
            if target != "wchan" and not _is_lock(structure):
                break
            base = self._on_stack(thread, structure, target, where)
            if base is None:
                if where == channel and self._pointers(structure, target):
                    self._unfound[thread.address] = (channel, structure)
                break
            found = self._wait(structure, base, name)
            target, where = structure.name, base
            if found.holder is not None or structure.name != "semaphore":
                break
        return found

    def complete(self, threads: Sequence[GuestThread]) -> None:
        """Search all memory for what is not on the stacks."""
        channels = {channel for channel, _ in self._unfound.values()}
        if not channels:
            return
        places: dict[int, list[int]] = {}
        for place, channel in self._memory.holding(channels):
            places.setdefault(channel, []).append(place)
        for thread in threads:
            channel, structure = self._unfound.get(thread.address, (0, None))
            if structure is None:
                continue
            for place in places.get(channel, ()):
                for offset in self._pointers(structure, "wchan"):
                    if self._is_one(structure, place - offset):
                        thread.wait = self._wait(structure, place - offset, "")

    def _channel_name(self, thread: GuestThread) -> str:
        if not self._thread.has("t_wchan_name"):
            return ""
        pointer = self._memory.member(self._thread, thread.address, "t_wchan_name")
        return self._memory.text(pointer) or ""

    def _channel(self, thread: GuestThread) -> int | None:
        """The wait channel on whose list a thread is: from its end, which is no thread's."""
        list_, channel = (self._types.structure(each) for each in ("threadlist", "wchan"))
        if list_ is None or channel is None or not list_.has("tl_tail"):
            return None
        inside = next((each for each in channel.members if each.type.name == "threadlist"), None)
        if inside is None:
            return None
        node = thread.address + self._thread.offset("t_listnode")
        for _ in range(MOST_NODES):
            following = self._memory.member(self._node, node, "tln_next")
            if not following:
                break
            node = following
        if self._memory.member(self._node, node, "tln_self"):
            return None
        address = node - list_.offset("tl_tail") - inside.offset
        return None if self._memory.word(address) is None else address

    def _takers(self, thread: GuestThread) -> Iterator[Structure]:
        """What the functions take that lead to a sleep, the innermost first."""
        for frame in thread.trace.frames[thread.first_frame : thread.first_frame + 4]:
            if frame.location is None or frame.interrupted:
                return
            for _, type_ in self._types.parameters(frame.location.symbol.address):
                target = self._types.target(type_)
                structure = None
                if type_.kind == "pointer" and target.kind == "struct":
                    structure = self._types.structure(target.name)
                if structure is not None:
                    yield structure
                    break

    def _pointers(self, structure: Structure, target: str) -> list[int]:
        """Offsets of members that point to structures of a name."""
        return [
            member.offset
            for member in structure.members
            if member.type.kind == "pointer" and self._types.target(member.type).name == target
        ]

    def _on_stack(
        self, thread: GuestThread, structure: Structure, target: str, where: int
    ) -> int | None:
        """The address of a structure that points to `where`, among what a thread has on its
        stack."""
        offsets = self._pointers(structure, target)
        if not offsets or thread.sp is None:
            return None
        for number in range(MOST_WORDS):
            value = self._memory.number(thread.sp + 4 * number)
            if value & 3 or not value:
                continue
            points = any(self._memory.number(value + offset) == where for offset in offsets)
            if points and self._is_one(structure, value):
                return value
        return None

    def _is_one(self, structure: Structure, address: int) -> bool:
        """Does what is at an address look like a structure: has it a name, if such things do?"""
        if self._memory.word(address) is None:
            return False
        pointer = self._name_member(structure)
        return (
            pointer is None or self._memory.text(self._memory.number(address + pointer)) is not None
        )

    def _name_member(self, structure: Structure) -> int | None:
        for member in structure.members:
            if member.type.kind == "pointer" and member.name.endswith("name"):
                return member.offset
        return None

    def _wait(self, structure: Structure, address: int, name: str) -> Wait:
        pointer = self._name_member(structure)
        if pointer is not None:
            name = self._memory.text(self._memory.number(address + pointer)) or name
        kind = KINDS.get(structure.name, structure.name)
        if structure.name == "semaphore":
            count = next((m for m in structure.members if m.name.endswith("count")), None)
            value = 0 if count is None else self._memory.member(structure, address, count.name)
            known = "" if count is None else f"count {value}"
            return Wait(kind, name, address, free=value != 0, note=known)
        if not _is_lock(structure):
            return Wait(kind, name, address)
        holder, says = self._holder(structure, address)
        if holder and holder not in self._threads:
            note = f"held by a thread that is gone, at {holder:#010x}"
            return Wait(kind, name, address, note=note, abandoned=True)
        if holder:
            return Wait(kind, name, address, holder)
        note = "nobody holds it" if says else ""
        return Wait(kind, name, address, free=says, note=note)

    def _holder(self, structure: Structure, address: int) -> tuple[int, bool]:
        """The holder of a lock, 0 for none, and whether there is a member that says so."""
        says = False
        for member in structure.members:
            if member.type.kind != "pointer":
                continue
            value = self._memory.number(address + member.offset)
            is_thread = self._types.target(member.type).name == "thread"
            says = says or is_thread
            if value in self._threads or (is_thread and value):
                return value, True
        return self._holder_by_hangman(structure, address), says

    def _holder_by_hangman(self, structure: Structure, address: int) -> int:
        """The same, by the kernel's own deadlock detector."""
        if not self._thread.has("t_hangman"):
            return 0
        for member in structure.members:
            inner = self._types.structure(member.type.name)
            if member.type.name == "hangman_lockable" and inner and inner.has("l_holding"):
                actor = self._memory.member(inner, address + member.offset, "l_holding")
                thread = actor - self._thread.offset("t_hangman")
                return thread if thread in self._threads else 0
        return 0

    # Spinners.

    def of_spinner(
        self, thread: GuestThread, registers: list[int], cpus: dict[int, int]
    ) -> Wait | None:
        """The spinlock that the thread of a processor tries to get, if it does: `registers` are the
        processor's, `cpus` the addresses of the CPUs' structures, and their current threads."""
        spinlock = self._types.structure("spinlock")
        names = [frame.name for frame in thread.trace.frames[:4]]
        if spinlock is None or "spinlock_acquire" not in names:
            return None
        if not spinlock.has("splk_lock", "splk_holder"):
            return None
        for address in registers:
            if address & 3 or not address:
                continue
            held = self._memory.member(spinlock, address, "splk_lock")
            holder = self._memory.member(spinlock, address, "splk_holder")
            if held and holder in cpus:
                symbol = self._file.symbol_at(address)
                name = "" if symbol is None or symbol.is_function else symbol.name
                return Wait("spinlock", name, address, cpus[holder] or None, spins=True)
        return None


def _is_lock(structure: Structure) -> bool:
    return "lock" in structure.name or "mutex" in structure.name
