"""The run loop, which answers an engine's VM exits, and the monitors.

`run_loop` serves a board's devices and time: it emulates MMIO and dispatches events. On the bare
machine its engine executes the board's processors; under a monitor (`hypervisor`), what looks like
an engine to it is a vCPU.

Begin with `burst_loop`, then `run_loop`, which calls it; `device_answers` and `idling` are parts of
that, `drivers` and `native` are what `burst_loop` runs on. `observer` is the contract of what takes
part (`observers` is the list), `contract` what a monitor is, `placement` which there are.
"""

BARE, TRAP_AND_EMULATE, HYBRID = "bare", "trap-and-emulate", "hybrid"
CHOICES = (BARE, TRAP_AND_EMULATE, HYBRID)
"""Ways to run a guest: on the bare machine; its kernel in user mode, where what is privileged traps
and is emulated; or its user mode only, while all that its kernel does is emulated."""
