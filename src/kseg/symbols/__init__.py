"""A program's symbols, source lines and types, read from its executable.

Reading order: `executable` (ELF sections and symbols), `debug_info` (DWARF entries), `line_table`
and `types` on top of it, `symbol_table` (names for addresses and addresses for names),
`address_ranges` (what a user's words mean as addresses), `programs` (archives of executables).

Nothing here is imported unless it is asked for.
"""
