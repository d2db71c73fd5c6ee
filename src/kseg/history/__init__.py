"""What was: a machine's state in a file, a run in a file, states of a run in memory.

Snapshots: read `state`, then `format`, then `snapshot` (docs/snapshots.md). Logs: `witness`, which
remembers what comes in, `log`, `recorder`, then `follower`, which holds a replay against it
(docs/recording.md). Going back: `checkpoints` and `keeper`; the rest is in `kseg.api.travel`
(docs/time-travel.md).
"""
