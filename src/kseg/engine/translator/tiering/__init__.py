"""Which guest code is translated, when, and by which tier.

`hotness` samples where the guest is, `sampler` decides how often, `policy` what is worth
translating, by the numbers in `thresholds`; `back_ends` is what this host can translate with.
"""
