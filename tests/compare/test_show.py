"""Tables, bars, JSON and the chart, from made-up figures."""

import json
import xml.etree.ElementTree as ET

from kseg.compare.chart import chart
from kseg.compare.comparison import TIME, Comparison, Difference, Result
from kseg.compare.data import as_data
from kseg.compare.exits import Exits, Work
from kseg.compare.run import Run
from kseg.compare.table import bar_length, cell, text
from kseg.compare.ways import WAYS
from kseg.compare.workload import Workload
from kseg.monitor.stop import Stop, StopReason

ENDED = Stop(StopReason.POWER_OFF, 0, "the guest switched off")


def made_up(*, same: bool = True) -> Comparison:
    exits = {"privileged": Exits(8, 100.4), "answer": Exits(2)}
    runs = {
        "reference": run(None, 10, Work(100)),
        "interpreter": run(ENDED, 1, Work(1000)),
        "rewriting": run(ENDED, 4, Work(900, 100, 3, exits)),
    }
    results = [Result(WAYS["hybrid"], "k", reason="there are <two>")]
    results += [Result(WAYS[name], "k", run) for name, run in runs.items()]
    comparison = Comparison(10, results)
    for result, seconds in zip(results[2:], ([1.0, 2.0], [4.0, 6.0]), strict=True):
        for each in seconds:
            result.seconds.append(each)
            comparison.samples.add(result.name, TIME, each)
    if not same:
        comparison.differences.append(Difference("rewriting", "interpreter", "output <b>"))
    return comparison


def run(stop: Stop | None, seconds: float, work: Work) -> Run:
    executed = work.direct_cycles + work.emulated_cycles
    return Run("k", stop, seconds, b"out", 5000, executed, work, Exits(2, 3000.0), "00ff", None)


def shown(comparison: Comparison, width: int = 80) -> list[str]:
    return text(comparison, "kernel do it", width, lambda bar, _bare: bar).splitlines()


def words(lines: list[str], first: str) -> list[list[str]]:
    return [line.split() for line in lines if line.startswith(first)]


def test_slowdowns_are_medians_of_ratios() -> None:
    lines = shown(made_up())
    assert words(lines, "bare, interpreter")[0][2:] == ["1.50", "1.00", "1000", "0", "-"]
    assert words(lines, "rewriting")[0] == ["rewriting", "5.00", "3.50", "900", "100", "10"]
    assert words(lines, "bare, reference")[0][2:7] == [">", "10", ">", "6.67", "100"]
    said = "\n".join(lines)
    assert "hybrid: does not apply: there are <two>" in said
    assert "reference: cut short after 10 s, with 10 % of the instructions done" in said
    assert "slowdown: against bare, interpreter; medians of 2 rounds" in said
    assert "the same console output" in said
    assert ["privileged", "8", "x", "100", "ns"] in words(lines, "privileged")


def test_bars_are_logarithmic_and_as_long_as_there_is_room() -> None:
    assert bar_length(1, 100, 41) == 1
    assert bar_length(10, 100, 41) == 21
    assert bar_length(100, 100, 41) == 41
    for width in (40, 80, 200):
        assert max(map(len, shown(made_up(), width)[8:])) <= max(width, 80)
    wide = [line.count("#") for line in shown(made_up(), 200)]
    assert max(wide) > 2 * max(line.count("#") for line in shown(made_up(), 80))


def test_exits_lie_side_by_side_where_there_is_room() -> None:
    assert len(words(shown(made_up(), 80), "exits")) == 1
    assert len(words(shown(made_up(), 40), "exits")) == 2
    assert cell(None) == cell(Exits(0)) == ""


def test_differences_are_shown() -> None:
    lines = shown(made_up(same=False))
    assert lines[-1] == "DIFFERENT: rewriting differs from interpreter: output <b>"
    assert any(line.startswith("NOT the same") for line in lines)


def test_json() -> None:
    data = json.loads(json.dumps(as_data(made_up(same=False), Workload("cms", "do it"))))
    assert (data["format"], data["kernel"], data["arguments"]) == (1, "cms", "do it")
    assert data["baseline"] == "interpreter"
    assert data["differences"] == [
        {"way": "rewriting", "standard": "interpreter", "text": "output <b>"}
    ]
    ways = {each["name"]: each for each in data["ways"]}
    assert ways["hybrid"]["outcome"] == "does not apply"
    assert ways["hybrid"]["reason"] == "there are <two>"
    assert ways["reference"]["outcome"] == "cut short"
    assert ways["reference"]["slowdown"] is None
    assert ways["reference"]["at_least_seconds"] == 10
    assert ways["rewriting"]["slowdown"] == 3.5
    assert ways["rewriting"]["seconds"] == [4, 6]
    assert ways["rewriting"]["exits"]["privileged"] == {"count": 8, "nanoseconds": 100.4}
    assert ways["rewriting"]["device_accesses"] == {"count": 2, "nanoseconds": 3000}


def test_chart() -> None:
    svg = chart(made_up(same=False), "a <kernel> & \x1b[1m \udc80")
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    texts = [each.text or "" for each in root.iter(f"{space}text")]
    assert "a <kernel> & ?[1m ?" in texts
    assert "> 6.67" in texts
    assert any("output <b>" in each for each in texts)
    widths = [float(each.get("width", "0")) for each in root.iter(f"{space}rect")]
    assert len(widths) == 3
    assert widths[0] > widths[2] > widths[1]


def test_chart_without_any_figure() -> None:
    only = Comparison(1, [Result(WAYS["reference"], "k", run(None, 1, Work(1)))])
    assert "cut short" in chart(only, "k")
