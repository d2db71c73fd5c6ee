"""What depends on the host: nothing outside this package asks which operating system or processor
kseg runs on, or uses a module of Python's that not every one of them has.

Each file is one idea: an interface in kseg's words, and how today's hosts do it. The hosts are
those with POSIX; where one of them lacks something that Linux has, there is another way, or an
error that says what is missing. A browser (Python compiled to WebAssembly) will have fewer of
these, or calls that silently do nothing: what to do without is decided here, not by the caller.

`host` (which one this is, and whether kseg runs there), `processors`, `clocks`; `memory`, `sharing`
(between clones), `code` and `instruction_cache`; `files` (whole or not at all), `copies`, `locks`,
`owners`, `caches` (where they lie), `directory` (one that cannot be left), `compression`,
`digests`; `signals`, `terminal`, `waiting`, `processes`, `pipes`, `sockets`.
"""
