"""Which guest code is translated, when, and by which tier.

`sampler` samples the program counters and decides how often, `hotness` counts the samples, `policy`
decides what is hot enough for which tier, by the numbers in `thresholds`; `recurrence` knows what
was hot in earlier runs; `back_ends` is what this host can translate with.
"""
