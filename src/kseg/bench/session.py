"""How fast an engine executes, beside other emulators measured in the same run.

    python benchmarks/interpreter.py [--engine NAME] [--json FILE] [--programs sieve,crc32]

The targets are for the interpreter: 4 times System/161's rate and twice GXemul's.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from build import PROGRAMS
from measure import geometric_mean
from peers import OTHERS, Kseg, MissingError, Peer, find
from rates import Checksums, Rates, measure_rates
from report import table, verdict, write_json

TARGETS = {"System/161": 4.0, "GXemul": 2.0}


def rate_table(results: Sequence[Rates], peers: Sequence[Peer]) -> str:
    headings = ["million instr/s", *(peer.name for peer in peers)]
    rows = [
        [rates.program, *(f"{rates.rate(peer.name) / 1e6:.0f}" for peer in peers)]
        for rates in results
    ]
    return table(headings, rows)


def ratio_table(results: Sequence[Rates], kseg: Kseg, others: Sequence[Peer]) -> str:
    """How many times as fast as each other peer kseg is."""
    rows = [
        [rates.program, *(f"{rates.ratio(kseg.name, other.name):.2f}" for other in others)]
        for rates in results
    ]
    means = [f"{mean_ratio(results, kseg, other):.2f}" for other in others]
    rows.append(["geometric mean", *means])
    return table([f"{kseg.name} /", *(other.name for other in others)], rows)


def mean_ratio(results: Sequence[Rates], kseg: Kseg, other: Peer) -> float:
    return geometric_mean(rates.ratio(kseg.name, other.name) for rates in results)


def target_table(results: Sequence[Rates], kseg: Kseg, others: Sequence[Peer]) -> str:
    rows = []
    for other in others:
        target = TARGETS.get(other.name)
        if target is None:
            continue
        mean = mean_ratio(results, kseg, other)
        worst = min(results, key=lambda rates, name=other.name: rates.ratio(kseg.name, name))
        least = worst.ratio(kseg.name, other.name)
        for what, value in (("mean", mean), (f"worst: {worst.program}", least)):
            shown = verdict(value, target, at_least=True)
            rows.append([f"{other.name}, {what}", f"{target:.1f}", f"{value:.2f}", shown])
    return table(["times the rate of", "target", "measured", ""], rows) if rows else ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", default="interpreter", help="kseg's engine")
    parser.add_argument("--programs", default=",".join(PROGRAMS), help="which, with commas")
    parser.add_argument("--peers", help="only those whose names contain one of these, with commas")
    parser.add_argument("--rounds", type=int, default=200, help="millions of instructions a run")
    parser.add_argument("--repeat", type=int, default=5, help="runs of everything")
    parser.add_argument("--json", metavar="FILE", help="write all numbers")
    return parser.parse_args()


def main() -> int:
    wanted = arguments()
    try:
        kseg = Kseg(wanted.engine)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    others, messages = find(OTHERS)
    if wanted.peers:
        names = wanted.peers.lower().split(",")
        others = [peer for peer in others if any(name in peer.name.lower() for name in names)]
    for message in messages:
        print(message, file=sys.stderr)
    peers = [kseg, *others]
    checksums = Checksums()
    results = []
    with tempfile.TemporaryDirectory(prefix="kseg-benchmarks-") as work:
        for program in wanted.programs.split(","):
            print(f"{program} ...", file=sys.stderr)
            rates = measure_rates(
                program,
                kseg,
                peers,
                rounds=wanted.rounds,
                repeat=wanted.repeat,
                work=Path(work),
                checksums=checksums,
            )
            results.append(rates)
    parts = [rate_table(results, peers)]
    if others:
        parts += [ratio_table(results, kseg, others), target_table(results, kseg, others)]
    print("\n\n".join(part for part in parts if part))
    write_json(
        wanted.json,
        {
            "engine": wanted.engine,
            "programs": {
                rates.program: {
                    "instructions_per_round": rates.instructions_per_round,
                    "instructions_per_second": rates.rates,
                    "ratios": {each.name: rates.ratio(kseg.name, each.name) for each in others},
                }
                for rates in results
            },
            "mean_ratios": {each.name: mean_ratio(results, kseg, each) for each in others},
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
