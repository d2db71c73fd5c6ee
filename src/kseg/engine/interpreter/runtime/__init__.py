"""The interpreter's runtime: native functions that handlers call when it is not simple.

`scheduler` is the function that Python calls, the loop over processors; `round_robin` their turns
without it, `processor_loop` the loop of one; the others are what instructions need: `control_flow`,
`memory`, `tlb`, `exceptions`; `code_pages`, `decoding` and `invalidation` keep decoded code,
`translations` lead into native code of regions, `debug_stops` and `trace_records` are reached only
while a debugger or a trace wants them.
"""
