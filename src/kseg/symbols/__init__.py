"""A program's symbols, source lines and types, read from its executable.

Reading order: `executable` (ELF sections and symbols), `dwarf` (what DWARF is made of),
`debug_info` (its entries), `line_table`, `types` and `call_frames` on top of it, `symbol_file` (all
of one executable), `symbol_table` (names for addresses and addresses for names in a guest),
`address_ranges` (what a user's words mean as addresses), `programs` (archives of executables).

Nothing here is imported unless it is asked for.
"""
