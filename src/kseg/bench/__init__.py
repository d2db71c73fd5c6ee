"""`kseg bench`: how fast kseg is, beside whatever else runs the same code here, in one run.

Read in this order: `process` runs one command and says what it cost; `peer`, `kseg` and `others`
are what is measured; `programs` is what they execute; `calibration` finds out which of them work,
and how fast; `harness` runs the rounds; `samples` holds what came out and compares it; `steady`,
`short`, `operating_system`, `day` and `os161` are the workloads; `targets` and `report` and
`chart` show results; `session` puts all of it together.

Nothing here fails because of a time.
"""
