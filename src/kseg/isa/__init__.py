"""What an R3000 is: registers, instructions declared once, exceptions, processor profiles.

Reading order: `values` (the arithmetic the declarations are written in), `semantics` (what an
instruction can do to a processor), `instructions/` (every instruction), `cp0` and `exceptions`
(the privileged half), `profile` (what differs between three R3000s). Derived from those are
`instruction_set` (decoding), `operands` and `aliases` (assembly text), `disassembler`,
`assembler`, `traps` (what can go wrong) and `manual`.
"""
