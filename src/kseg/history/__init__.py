"""Snapshots, record and replay, checkpoints: a machine's state in a file, a run in a file, states
of a run in memory.

Snapshots: read `state`, then `format`, then `snapshot` (docs/snapshots.md). Record and replay:
`input_recorder`, which remembers what comes in, `log`, `recorder`, then `replay_verifier`, which
checks a replay against the log (docs/recording.md). Reverse execution: `checkpoints` and
`checkpointer`; the rest is in `kseg.api.travel` (docs/time-travel.md).
"""
