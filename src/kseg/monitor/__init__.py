"""Who answers an engine's exits: the difference between the ways to run a guest.

`bare` serves a board's devices and time. On the bare machine its engine executes the board's
processors; under a monitor (`hypervisor`), what looks like an engine to it is a virtual processor.
"""

BARE, TRAP_AND_EMULATE, HYBRID = "bare", "trap-and-emulate", "hybrid"
CHOICES = (BARE, TRAP_AND_EMULATE, HYBRID)
"""Ways to run a guest: on the bare machine; its kernel in user mode, where what is privileged traps
and is emulated; or its user mode only, while all that its kernel does is emulated."""
