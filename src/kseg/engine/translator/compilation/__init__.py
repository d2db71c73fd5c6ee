"""Where translations are made, and kept.

`messages` are requests and answers, `compile_queue` holds the requests that are pending,
`compile_server` is the process that answers them (a child of the machine's),
`store` the code cache on disk.
"""
