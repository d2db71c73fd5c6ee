"""Where translations are made, and kept.

`messages` are requests and answers, `compile_queue` holds the requests that are pending,
`compile_server` is the process that answers them (a child of the machine's),
`store` the code cache on disk, `account` what is known of all runs, `budget` what the compiler may
cost, `keys` what both files' names depend on.
"""
