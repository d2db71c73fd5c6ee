"""`kseg explore`: one guest from one state, under many timings of its timer's interrupts.

`plans` says when a seed lets interrupts come, `trial` lets one clone of the guest run with a plan
and says how it ended, `shrinking` finds a smaller plan with which it ends in the same way. `pool`
has trials made in parallel by `worker` processes, which speak in `messages`. `start` is the state
from which all begin and what is kept of a failure, `exploration` puts them together, and `report`
is what comes of it.
"""
