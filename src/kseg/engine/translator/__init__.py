"""The translator: the interpreter, with what runs often as native code.

A just-in-time compiler in tiers. Guest code begins in the interpreter. The engine samples where it
is; code that is found hot is translated as a *region*: whole loops and the calls that they make,
guest registers in host registers. A translation is entered through the interpreter's entries (its
*heads*), also in the middle of a loop (on-stack replacement), and a *side exit* leads back to one,
before any instruction that it cannot complete; so every hard case is the interpreter's, and the
result is the same to the bit.

Reading order: `effects` (what an instruction does), `region` and `discovery` (which instructions
belong together), `timing` and `side_exits` (what both tiers do), `stencils` (the first tier:
native code at once), `llvm` (the second: a region as LLVM IR), `compilation` (where that is done,
and kept on disk), `arena` and `installation` (in place), `code_pages` and `tiering` (what is
worth it), `engine`. docs/translator.md tells the same for users.
"""
