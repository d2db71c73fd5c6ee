"""Snapshots: a machine's whole state in a file. Read `state`, then `format`, then `snapshot`.

docs/snapshots.md describes the format and what it promises.
"""
