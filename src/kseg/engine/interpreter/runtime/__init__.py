"""The interpreter's runtime: native functions that handlers call when it is not simple.

What is plain functions is typed Python (`kseg.engine.codegen.typed`), which CPython can run too:
`address_translation`, `memory`, `tlb` and `modes` are what instructions need; `code_pages`,
`decoding` and `invalidation` keep decoded code; `stops` and `trace_records` are reached only while
a debugger or a trace wants them. What it is compiled for stands in `specialisation`.

What is made of handlers, or calls them, is written with the builder: `scheduler` is the function
that Python calls, the loop over processors; `round_robin` their turns without it, `processor_loop`
the loop of one; `control_flow` and `exceptions`; `translations` lead into native code of regions,
`debug_stops` and `tracing_hooks` to what a debugger or a trace wants.
"""
