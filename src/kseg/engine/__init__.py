"""Ways to run R3000 code: the plain-Python reference and the compiled interpreter.

Every engine works on the same `ProcessorState` and `PhysicalMemory`, has the same one method
`run`, and comes back with the same `Exit`: see `kseg.engine.contract`.
"""
