"""Where translations are made, and kept.

`messages` is what is asked and answered, `compile_queue` who waits for what, `compile_server` the
process beside the machine's (`subprocesses`) that makes them, `store` what survives on disk.
"""
