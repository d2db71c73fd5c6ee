"""Snapshots, a machine's whole state in a file, and logs, a run in a file. Read `state`, then
`format`, then `snapshot`; then `log`, `recorder`, `follower`.

docs/snapshots.md and docs/recording.md describe the formats and what they promise.
"""
