"""A DECstation 5000/200: TURBOchannel, a serial chip, a clock, and firmware that is a device.

Read `address_map`, `board`, then `firmware`. docs/decstation.md says what there is.
"""
