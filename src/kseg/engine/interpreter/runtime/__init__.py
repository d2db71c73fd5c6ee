"""The interpreter's runtime: native functions that handlers call when it is not simple.

What is plain functions is typed Python (`kseg.engine.codegen.typed`), which CPython can run too:
`scheduler` is the function that Python calls, the loop over processors, `processor_loop` the loop
of one, `idling` what passes while all wait; `address_translation`, `memory`, `tlb`, `modes` and
`interrupts` are what instructions and these loops need; `code_pages`, `decoding` and `invalidation`
keep decoded code; `stops` and `trace_records` are reached only while
a debugger or a trace wants them. What it is compiled for stands in `specialisation`.

What is made of handlers, or calls them, is written with the builder: `entering` leads into them,
`control_flow` and `exceptions` from one to the next, `translations` into native code of regions,
`debug_stops` and `tracing_hooks` to what a debugger or a trace wants.
"""
