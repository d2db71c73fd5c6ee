"""The GDB stub (GDB manual, appendix "Remote Protocol").

Read `packets`, then `stub`, which answers them one by one (`answers`), then `debugger`, which
decides when the guest runs and when it stands, also in its past (`history`). `stepping` and
`backward` are its ways to get there, `edge` is what it says of the ends of the past, `conditions`
and `agent_expression` are those of breakpoints. `target` is what a debugger is attached to: one
machine, or all guests of a host (`host_target`), each an `inferior`. `server` has the socket.

Nothing here is imported unless it is asked for.
"""
