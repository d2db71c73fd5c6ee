"""The reference engine: the declarations executed one by one, in plain Python, for clarity.

It is the measure of every other engine, not a way to run a system: some 0.2 million instructions
a second.
"""
