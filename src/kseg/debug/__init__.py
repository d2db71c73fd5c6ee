"""Looking into a machine, and GDB's way into it.

For GDB read `packets`, then `stub`, which answers them one by one, then `debugger`, which decides
when the guest runs and when it stands, also in its past (`history`); `stepping` and `backward` are
its ways to get there, `edge` is what it says of the ends of the past, `conditions` and `expression`
are those of breakpoints. The source for all of it is
the GDB manual, appendix "Remote Protocol".

For the rest begin with `symbols` (of files: `executable`, `lines`, `call_frames`), then `backtrace`
(`rehearsal` and `prologue` are its ways without call frame information). `profiler` takes samples,
`profile`, `flame_graph` and `gmon` show them; `address_space` and `report` stand for themselves.
`kernels` knows the threads of some guests' kernels, from their structures (`types`, `entries`).

Nothing here is imported unless somebody asks for it.
"""
