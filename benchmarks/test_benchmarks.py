"""The developers' scripts: what kseg bench does not measure. Run with: pytest benchmarks"""

import json
from pathlib import Path

import pytest

import guests
import memory
import monitors
import shared
import startup


def test_imports_by_package() -> None:
    costs = {"json": 1.0, "json.decoder": 2.0, "kseg": 3.0, "kseg.cli": 4.0}
    assert startup.by_package(costs) == {"kseg": 7.0, "standard library": 3.0}


@pytest.mark.slow
def test_probe_tells_time_and_memory(tmp_path: Path) -> None:
    told = memory.probe(tmp_path / "cache")
    assert list(told["seconds"]) == list(told["memory"])
    assert told["seconds"]["python"] > 0
    assert told["seconds"]["engine"] > 0
    assert told["memory"]["run"] <= told["largest_memory"]


@pytest.mark.slow
def test_copies_of_a_guest_share_what_is_alike() -> None:
    built, prompt, shared = guests.measure(3, "interpreter")
    assert [stage["stage"] for stage in (built, prompt, shared)] == [
        "built",
        "at the prompt",
        "shared",
    ]
    assert shared["saved"] >= 100
    assert shared["used"] < prompt["used"]
    assert sum(shared["last_copy"].values()) == guests.GUEST_RAM // 4096


def test_results_are_kept_with_the_host_they_belong_to(tmp_path: Path) -> None:
    shared.write_json(None, {})
    shared.write_json(str(tmp_path / "x"), {"figure": 1})
    kept = json.loads((tmp_path / "x").read_text())
    assert kept["figure"] == 1
    assert kept["host"]["processors"] > 0


def test_targets_are_costs() -> None:
    assert shared.verdict(1.0, 2.0) == "met"
    assert shared.verdict(2.1, 2.0) == "MISSED"


def test_a_monitor_is_measured_against_the_bare_machine() -> None:
    speeds = monitors.ratios("syscalls 100", rounds=1)
    assert speeds["bare"] == 1.0
    assert all(speed > 0 for speed in speeds.values())
    _seconds, costs = monitors.run("trapping", "syscalls 2000", timed=True)
    assert costs["system_call"] > 0
