"""Profiles: where a guest spends its virtual time.

`profiler` takes samples with back-traces, `samples` counts them, `flame_graph` and `gmon` (GNU
gprof) show them.
"""
