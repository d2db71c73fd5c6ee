"""A debugger's way into a machine: GDB's remote serial protocol.

Read `packets`, then `stub`, which answers them one by one, then `debugger`, which decides when the
guest runs and when it stands. The source for all of it is the GDB manual, appendix "Remote
Protocol". Nothing here is imported unless a debugger is asked for.
"""
