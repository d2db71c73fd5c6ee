"""What is wrong with a guest's threads, in words: stacks that have overflowed, and
waits that never end (deadlocks, lost wake-ups)."""

from collections.abc import Sequence

from kseg.kernels.contract import GuestThread, Wait

MOST_FINDINGS = 6
MOST_STEPS = 6
"""Of a deadlock that are shown."""
_CLOCK = ("clocksleep",)
_CAN_RUN = ("running", "ready")


def findings(threads: Sequence[GuestThread], *, all_wait: bool) -> list[str]:
    """A line each. `all_wait`: no processor executes anything, not even an interrupt's handler, so
    that nothing is half done."""
    found = [_overflow(each) for each in threads if each.overflow]
    found += [
        f"stack overflow: the program of thread {each.title}: {each.program_overflow}"
        for each in threads
        if each.program_overflow
    ]
    cycles = deadlocks(threads)
    found += [_deadlock(cycle) for cycle in cycles]
    stuck = {thread.address for cycle in cycles for thread in cycle}
    found += _behind(threads, stuck)
    found += _abandoned(threads)
    if all_wait and not any(_can_run(each) for each in threads):
        found += _lost(threads, stuck)
    return found[:MOST_FINDINGS]


def deadlocks(threads: Sequence[GuestThread]) -> list[list[GuestThread]]:
    """The cycles in which each thread waits for the next: each once, whichever others wait for one
    of them."""
    at = {each.address: each for each in threads}
    done: set[int] = set()
    found = []
    for thread in threads:
        path: list[GuestThread] = []
        here: GuestThread | None = thread
        while here is not None and here.address not in done:
            done.add(here.address)
            path.append(here)
            holder = None if here.wait is None else here.wait.holder
            here = None if holder is None else at.get(holder)
        if here is not None and here in path:
            found.append(path[path.index(here) :])
    return found


def _overflow(thread: GuestThread) -> str:
    assert thread.stack is not None
    low, high = thread.stack
    return (
        f"stack overflow: the kernel stack of thread {thread.title} ({low:#010x}-{high - 1:#010x},"
        f" {high - low} bytes) has overflowed: {thread.overflow}"
    )


def _deadlock(cycle: list[GuestThread]) -> str:
    if len(cycle) == 1:
        return (
            f"deadlock: thread {cycle[0].title} waits for {cycle[0].wait}, which it holds itself:"
            " it can never go on"
        )
    steps = [
        f'"{thread.name}" waits for {thread.wait}, which "{holder.name}" holds'
        for thread, holder in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
    ]
    if len(steps) > MOST_STEPS:
        steps[MOST_STEPS:] = [f"and so on, {len(steps) - MOST_STEPS} more, back to the first"]
    return (
        f"deadlock of {len(cycle)} threads, none of which can ever go on: {'; '.join(steps)}."
        " Threads that take several locks must take them in one order everywhere"
    )


def _behind(threads: Sequence[GuestThread], stuck: set[int]) -> list[str]:
    """Who waits for what one that is stuck holds, over however many others."""
    at = {each.address: each for each in threads}
    behind = set(stuck)
    for _ in threads:
        more = {
            each.address
            for each in threads
            if each.wait is not None and each.wait.holder in behind and each.address not in behind
        }
        if not more:
            break
        behind |= more
    names = [f'"{at[each].name}"' for each in sorted(behind - stuck)]
    if not names:
        return []
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return [f"behind the deadlock, for ever too: {', '.join(names[:8])}{rest}"]


def _abandoned(threads: Sequence[GuestThread]) -> list[str]:
    """Sleepers for what a thread held when it ended."""
    at = {each.address: each for each in threads}
    found = []
    for thread in threads:
        wait = thread.wait or Wait("")
        holder = at.get(wait.holder or 0)
        said = f"thread {thread.title} waits for {wait}"
        if holder is not None and holder.state == "ended":
            found.append(
                f'{said}, which "{holder.name}" held when it ended: nobody will ever release it'
            )
        if wait.abandoned:
            found.append(f"{said}, whose holder has ended without releasing it: nobody ever will")
    return found


def _lost(threads: Sequence[GuestThread], stuck: set[int]) -> list[str]:
    """Sleepers that nobody is going to wake, where no thread runs. One that waits for a device may
    yet wake others."""
    a_device_may = any(_waits_for_device(each) for each in threads)
    found = []
    for thread in threads:
        if not thread.sleeps or thread.wait is None or thread.address in stuck:
            continue
        if thread.wait.free:
            found.append(
                f"lost wake-up: thread {thread.title} sleeps, waiting for {thread.wait}"
                f" ({thread.wait.note}), and no thread is left that runs and could wake it"
            )
        elif thread.wait.kind == "condition variable" and not a_device_may:
            found.append(
                f"thread {thread.title} waits for {thread.wait}, and no thread is left that runs"
                " and could signal it: a lost wake-up, if it was signalled before the wait began"
            )
    return found


def _waits_for_device(thread: GuestThread) -> bool:
    """Does a thread sleep in a driver, or until some time?"""
    return thread.sleeps and any(
        frame.name in _CLOCK
        or (
            frame.location is not None
            and frame.location.line is not None
            and "/dev/" in frame.location.line.file
        )
        for frame in thread.trace.frames
    )


def _can_run(thread: GuestThread) -> bool:
    return thread.state in _CAN_RUN and not (thread.wait is not None and thread.wait.spins)
