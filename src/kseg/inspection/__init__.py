"""What can be seen of a machine that stands, by people and by what explains it to them: its
processors' registers and TLBs (`processor`), its memory (`memory`), names for addresses; together
`machine`, of which `kseg.Machine` and guests of a host are kinds.
"""
