"""The dispatcher and the shadow TLB as they were written for CPython alone, before native code was
made from the same text: frozen, so that a mistake in that text does not go into what it is held
against. Change them only where what the monitor is to do changes.
"""
