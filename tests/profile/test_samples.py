"""Profiles, and the forms that they take."""

import struct
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pytest

from kseg.profile.flame_graph import flame_graph
from kseg.profile.gmon import gmon
from kseg.profile.samples import Caller, FunctionTime, Profile

MAIN, WORK, USER = Caller("main"), Caller("work<1>"), Caller("prog ram", True)


def example() -> Profile:
    profile = Profile(1000)
    profile.stacks[(MAIN,)] = 10
    profile.stacks[(MAIN, WORK)] = 60
    profile.stacks[(MAIN, WORK, WORK)] = 20
    profile.stacks[(USER,)] = 10
    profile.waiting[0x80001000] = 300
    return profile


def test_functions() -> None:
    """A recursion counts once in the total."""
    assert example().functions() == [
        FunctionTime("work<1>", False, 80, 80),
        FunctionTime("main", False, 10, 90),
        FunctionTime("prog ram", True, 10, 10),
    ]


def test_the_table() -> None:
    lines = example().table(2).splitlines()
    assert lines[0] == "400 samples: 100 busy, 100.0 ms; 300 idle, 300.0 ms"
    assert lines[2].split() == ["80.0", "80.0", "80.0", "80.0", "work<1>"]
    assert lines[3].split() == ["10.0", "10.0", "90.0", "90.0", "main"]
    assert lines[4] == "(1 more)"
    assert "prog ram (user)" in example().table()
    assert str(Profile(10)) == "0 samples: 0 busy, 0.0 ms; 0 idle, 0.0 ms"


def test_folded_stacks() -> None:
    assert list(example().folded()) == [
        "(idle) 300", "main 10", "main;work<1> 60", "main;work<1>;work<1> 20", "prog_ram 10",
    ]  # fmt: skip


def test_clearing() -> None:
    profile = example()
    profile.clear()
    assert (profile.busy, profile.idle, profile.functions()) == (0, 0, [])


SVG = "{http://www.w3.org/2000/svg}"


def test_a_flame_graph() -> None:
    root = ElementTree.fromstring(flame_graph(example(), "a & b"))
    assert root.find(f"{SVG}text").text == "a & b"
    bars = {}
    for group in root.iter(f"{SVG}g"):
        title, bar = group.find(f"{SVG}title").text, group.find(f"{SVG}rect")
        bars[title.partition(":")[0], bar.get("y")] = (
            float(bar.get("x")), float(bar.get("width"))
        )  # fmt: skip
    names = Counter(name for name, _ in bars)
    assert names == {"all": 1, "main": 1, "work<1>": 2, "prog ram (user mode)": 1}
    rows = sorted({int(y) for _, y in bars}, reverse=True)
    whole = bars["all", str(rows[0])]
    assert bars["main", str(rows[1])][1] == pytest.approx(0.9 * whole[1])
    assert bars["work<1>", str(rows[2])][1] == pytest.approx(0.8 * whole[1])
    assert bars["work<1>", str(rows[3])][1] == pytest.approx(0.2 * whole[1])
    assert "75.0 % idle" in flame_graph(example())
    assert "<script" not in flame_graph(example())


def test_a_flame_graph_of_nothing_and_of_too_much() -> None:
    assert "no samples" in flame_graph(Profile(1))
    profile = Profile(1)
    profile.stacks[(MAIN,) * 5000] = 1
    ElementTree.fromstring(flame_graph(profile))


def records(data: bytes, order: str = ">") -> tuple[list[tuple], list[tuple]]:
    """Histograms and arcs of a gmon.out."""
    assert data[:4] == b"gmon"
    assert struct.unpack_from(order + "I", data, 4) == (1,)
    place, histograms, arcs = 20, [], []
    while place < len(data):
        tag, place = data[place], place + 1
        if tag == 0:
            low, high, bins, hz, name, unit = struct.unpack_from(order + "4I15sc", data, place)
            assert (name.rstrip(b"\0"), unit) == (b"seconds", b"s")
            place += 32
            histograms.append(
                (low, high, hz, list(struct.unpack_from(f"{order}{bins}H", data, place)))
            )
            place += 2 * bins
        else:
            arcs.append(struct.unpack_from(order + "3I", data, place))
            place += 12
    return histograms, arcs


def test_gmon() -> None:
    data = gmon(
        {0x80001000: 2, 0x8000100C: 3, 0x80001010: 1, 0x1000: 9}, {(0x80001004, 0x80001020): 7},
        low=0x80001000, high=0x80001028, hz=1000,
    )  # fmt: skip
    assert records(data) == (
        [(0x80001000, 0x80001030, 1000, [5, 1, 0])],
        [(0x80001004, 0x80001020, 7)],
    )


def test_what_a_counter_does_not_hold_is_in_another_histogram() -> None:
    data = gmon({0: 150_000, 16: 5}, {}, low=0, high=32, hz=10, byte_order="little")
    histograms, _ = records(data, "<")
    assert [counts for *_, counts in histograms] == [[65535, 5], [65535, 0], [18930, 0]]
