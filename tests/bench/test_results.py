"""Samples, targets, tables and the chart, from made-up figures."""

import json
import xml.etree.ElementTree as ET

import pytest

from kseg.bench.chart import chart, tick_step
from kseg.bench.report import number, samples_table, table
from kseg.bench.samples import Samples, geometric_mean
from kseg.bench.session import Results
from kseg.bench.short import FIRST
from kseg.bench.targets import targets

KSEG = "kseg translator"


def samples(key: str, cells: dict[str, dict[str, list[float]]], *, rate: bool = False) -> Samples:
    return Samples(key, key, "x", more_is_better=rate, cells=cells)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    rates = samples("steady", {"a": {"p": [2, 30, 8]}, "b": {"p": [1, 10, 2]}}, rate=True)
    assert rates.speedup("a", "b", "p") == 3
    times = samples("short", {"a": {"p": [2, 30, 8]}, "b": {"p": [1, 10, 2]}})
    assert times.speedup("b", "a", "p") == 3


def test_means_are_geometric() -> None:
    assert geometric_mean([2, 0.5]) == pytest.approx(1)
    two = samples("x", {"a": {"p": [1], "q": [9]}, "b": {"p": [2], "q": [2]}})
    assert two.mean("a") == pytest.approx(3)
    assert two.mean_speedup("a", "b") == pytest.approx((4 / 9) ** 0.5)
    assert two.mean_speedup("a", "nobody") is None


def test_who_has_failed_is_forgotten() -> None:
    one = samples("x", {"a": {"p": [1]}, "b": {"p": [2]}})
    one.forget("a")
    one.forget("nobody")
    assert list(one.cells) == ["b"]


def reached(*workloads: Samples, sizes: dict[str, float] | None = None) -> dict[str, str]:
    return {target.figure: target.verdict for target in targets(KSEG, workloads, sizes or {})}


def test_targets_say_met_missed_or_not_measured() -> None:
    rates = {KSEG: {"p": [6.0]}, "qemu-user": {"p": [4.0]}, "native": {"p": [18.0]}}
    got = reached(samples("steady", rates, rate=True), sizes={"p": 60, "q": 100})
    assert got["steady state, times qemu-user"] == "met"
    assert got["steady state, slowdown against native"] == "MISSED"
    assert got["steady state in kseg0, times gxemul"] == "not measured"
    assert got["code, bytes per translated instruction"] == "met, aim too"


def test_first_and_warm_runs_are_targets_of_their_own() -> None:
    times = {KSEG: {"p": [1.0]}, KSEG + FIRST: {"p": [2.0]}, "qemu-user": {"p": [1.0]}}
    got = reached(samples("short 1 G", times))
    assert got["1 G instructions, first time, times qemu-user"] == "MISSED"
    assert got["1 G instructions, code cache warm, times qemu-user"] == "met"


def test_only_long_os161_runs_count() -> None:
    os161 = samples("os161", {KSEG: {"s": [1], "l": [1]}, "system161": {"s": [1], "l": [9]}})
    figure = "OS/161, 100 M instructions or more, times system161"
    os161.instructions = {"s": 99_999_999, "l": 99_999_999}
    assert reached(os161)[figure] == "not measured"
    os161.instructions["l"] += 1
    assert reached(os161)[figure] == "met"


def test_tables() -> None:
    assert table(["a", "bb"], [["long", "1"]]) == "a     bb\n----  --\nlong   1"
    shown = samples_table(
        samples("t", {KSEG: {"p": [1, 1], "q": [2, 2]}, "b": {"p": [4, 4]}}), KSEG
    )
    assert shown.splitlines()[0] == "t: median of 2 rounds"
    assert shown.splitlines()[-1].split() == ["b", "4.00", "4.00", "4.00"]


def test_a_table_where_kseg_failed_has_no_ratios() -> None:
    assert "/" not in samples_table(samples("t", {"b": {"p": [4]}}), KSEG)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1234")]
)
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_chart_is_well_formed_whatever_the_names() -> None:
    odd = samples("os161", {KSEG: {'p "<a>" & b;q': [1.0]}, "b<c": {'p "<a>" & b;q': [2.0]}})
    text = chart([odd, samples("empty", {})], "a < b & c", 'say "no"')
    root = ET.fromstring(text)
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a < b & c", KSEG, "b<c", "1.00", "2.00"} <= set(texts)
    widths = [
        float(each.get("width", "")) for each in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize("most", [1e-3, 0.7, 1.0, 6.0, 6.1, 999, 57551])
def test_there_are_a_few_ticks(most: float) -> None:
    assert 2 <= most / tick_step(most) <= 6


def test_json_keeps_every_figure() -> None:
    one = samples("steady", {KSEG: {"p": [1.0, 2.0]}}, rate=True)
    results = Results(KSEG, [one], targets(KSEG, [one], {}), {}, ["b: left out: gone"], [])
    kept = json.loads(results.as_json())
    assert kept["workloads"][0]["samples"] == {KSEG: {"p": [1.0, 2.0]}}
    assert kept["targets"][0]["verdict"] == "not measured"
    assert kept["left_out"] == ["b: left out: gone"]
    assert KSEG in results.as_svg()
    assert "steady" in results.tables()
