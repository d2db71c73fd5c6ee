"""The translator: the interpreter, with what runs often as native code.

Guest code begins in the interpreter. The engine looks every so often where it is; code that is
found running again is translated as a *region*: whole loops and the calls that they make, guest
registers in host registers. A translation is entered through the interpreter's entries (its heads)
and leaves to them, before any instruction that it cannot complete; so every hard case is the
interpreter's, and the result is the same to the bit.

Reading order: `messages` (what is asked and answered), `effects` (what an instruction does),
`region` (which instructions belong together), `timing` and `ways_out` (what both tiers do),
`stencils` (the first tier: native code at once), `tracer`, `block_emitter` and `emitter` (the
second: a region as LLVM IR), `compiler` (native code of it), `workshop` and `worker` (where that is
done), `store` (kept on disk), `arena` and `installation` (in place), `code_pages` and `hotness`
(what is worth it), `director` (who decides, by the numbers in `policy`), `looks` (how often),
`means` (what this host has for it), `engine`.

docs/translator.md tells the same from the outside.
"""
