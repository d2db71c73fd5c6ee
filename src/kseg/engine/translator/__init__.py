"""The translator: the interpreter, with what runs often as native code.

Guest code begins in the interpreter. The engine looks every so often where it is; code that is
found running again is translated as a *region*: whole loops and the calls that they make, guest
registers in host registers. A translation is entered through the interpreter's entries (its heads)
and leaves to them, before any instruction that it cannot complete; so every hard case is the
interpreter's, and the result is the same to the bit.

Reading order: `effects` (what an instruction does), `region` (which instructions belong together),
`timing` and `side_exits` (what both tiers do), `stencils` (the first tier: native code at once),
`llvm` (the second: a region as LLVM IR), `compilation` (where that is done, and kept on disk),
`arena` and `installation` (in place), `code_pages` and `tiering` (what is worth it), `engine`.

docs/translator.md tells the same from the outside.
"""
