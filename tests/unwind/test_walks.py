"""Walks through a run, forwards and backwards, at random: each stop is where a list of what was
executed says."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.command import kseg
from tests.cli.kernels import kernel
from tests.gdb.running import Client, debugged, listening
from tests.unwind.programs import CALLING, TWO, symbols

AT = symbols(CALLING)
PC, STORE, LOAD = 37, AT["work"] + 20, AT["work"] + 4
BEGIN, END = "replaylog:begin", "replaylog:end"
WRITES, READS, BOTH = 2, 3, 4
LENGTH = 40
"""Instructions before the guest switches off."""
TURNS = 100


class Stop(NamedTuple):
    """How many instructions have been executed there, and what the reply says besides."""

    place: int
    why: str


class Model:
    """What a debugger has seen of the run, and where it is."""

    def __init__(self, pcs: list[int]) -> None:
        self.pcs = pcs
        self.here = self.present = 0
        self._told: Stop | None = None
        self._met: int | None = None
        """The place of the access before which it stands, and which it has reported."""

    def _accesses(self, place: int, watched: int) -> bool:
        """Is the instruction there one that is watched?"""
        kinds = {WRITES: [STORE], READS: [LOAD], BOTH: [STORE, LOAD]}
        return self.pcs[place] in kinds.get(watched, [])

    def step(self, watched: int) -> Stop:
        if self._accesses(self.here, watched) and self._met != self.here:
            return self._before(self.here)
        return self._at(self.here + 1, "")

    def _before(self, place: int) -> Stop:
        found = self._at(place, "watch")
        self._met = place
        return found

    def go(self, breakpoints: set[int], watched: int) -> Stop | None:
        """None where the guest would not come back."""
        for place in range(self.here, len(self.pcs)):
            if place > self.here and self.pcs[place] in breakpoints:
                return self._at(place, "swbreak")
            if self._accesses(place, watched) and self._met != place:
                return self._before(place)
            if place == self.present > self.here:
                return self._at(place, END)
        return None

    def back(self, breakpoints: set[int], watched: int, *, steps: bool) -> Stop:
        told, first = self._told, 0
        if steps:
            first = self.here - 1
            breakpoints = set()
        for place in reversed(range(max(first, 0), self.here)):
            stop = Stop(place + 1, "watch")
            if self._accesses(place, watched) and not (told == stop and self.here == place + 1):
                found = self._at(place + 1, "watch")
                self._told = found
                return found
            if self.pcs[place] in breakpoints:
                return self._at(place, "swbreak")
        if first < 0 or not steps:
            return self._at(0, BEGIN)
        return self._at(first, "")

    def _at(self, place: int, why: str) -> Stop:
        self.here, self._told, self._met = place, None, None
        self.present = max(self.present, place)
        return Stop(place, why)


@contextmanager
def live(directory: Path) -> Iterator[str]:
    with debugged(directory, CALLING, "--wait") as (_, address):
        yield address


@contextmanager
def recorded(directory: Path) -> Iterator[str]:
    file, log, socket = directory / "guest.elf", directory / "log", str(directory / "socket")
    file.write_bytes(kernel(CALLING))
    assert kseg("run", "--record", log, "--max-cycles", str(LENGTH), file).returncode == 4
    with listening("replay", "--gdb", socket, str(log)):
        yield socket


@pytest.mark.parametrize("run", [live, recorded])
def test_a_walk(tmp_path: Path, run: Callable[[Path], AbstractContextManager[str]]) -> None:
    rng = random.Random(1)
    with run(tmp_path) as address, Client(address) as client:
        client.ask("qSupported:swbreak+;hwbreak+")
        pcs = []
        for _ in range(LENGTH):
            pcs.append(client.register(PC))
            assert client.ask("s") == "T05thread:1;"
        assert client.ask("bc").startswith("T05replaylog:begin")
        model = Model(pcs)
        model.present = LENGTH
        pcs.append(0)
        for turn in range(TURNS):
            here = model.here
            watched = rng.choice((0, 0, WRITES, READS, BOTH))
            breakpoints = set(rng.sample(pcs[:LENGTH], rng.randrange(24)))
            # One at the next address would be that of a step out of a delay slot.
            breakpoints -= {pcs[here], pcs[here] + 4}
            what = rng.choice(("s", "c", "bs", "bc", "bs"))
            if what in "sc" and here == LENGTH:
                what = "bc"
            for each in breakpoints:
                client.ask(f"Z0,{each:x},4")
            if watched:
                client.ask(f"Z{watched},{AT['counter']:x},4")
            if what == "s":
                expected: Stop | None = model.step(watched)
            elif what == "c":
                expected = model.go(breakpoints, watched)
            else:
                expected = model.back(breakpoints, watched, steps=what == "bs")
            assert expected is not None
            said = client.ask(what)
            where = f"turn {turn}: {what} from {here}, {breakpoints}, {watched}: {said}, {expected}"
            assert client.cycles() == expected.place, where
            assert expected.why in said, where
            for each in breakpoints:
                client.ask(f"z0,{each:x},4")
            if watched:
                client.ask(f"z{watched},{AT['counter']:x},4")


@pytest.mark.parametrize("rest", [0, 1])
def test_the_way_back_has_the_same_stops(tmp_path: Path, rest: int) -> None:
    """Of two processors, which meet the same breakpoints, also in one cycle."""
    places = symbols(TWO)
    with (
        debugged(tmp_path, TWO, "--wait", "--cpus", "2") as (_, address),
        Client(address) as client,
    ):
        client.ask("qSupported:swbreak+;hwbreak+")
        for name, offset in (("first", 0), ("second", 0), ("first", 8), ("second", 4)):
            client.ask(f"Z0,{places[name] + offset:x},4")

        def go(packet: str) -> tuple[str, int, int]:
            said = client.ask(packet)
            return said, client.register(PC), client.cycles()

        stops = [go("c") for _ in range(24 + rest)]
        assert len({each[0] for each in stops}) == 2, "both processors stop"
        back = [go("bc") for _ in range(len(stops))]
        assert BEGIN in back.pop()[0]
        assert back == stops[-2::-1]
        assert [go("c") for _ in range(len(stops) - 1)] == stops[:-1]
        said, _, cycles = go("c")
        assert END in said
        assert cycles == stops[-1][2]
