"""`kseg compare`: one guest, run in every way there is, side by side.

`ways` are the configurations (monitor and engine) that are compared, `workload` what each of them
runs. `run` is one run, with what `stopwatch` measures inside it and `exits` reads off a monitor;
`difference` holds two runs against each other. `comparison` puts them together; `table`, `data` and
`chart` show the outcome.
"""
