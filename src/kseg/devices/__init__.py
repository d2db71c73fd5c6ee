"""Devices: one small file each, registered in `kseg.devices.registry` by configuration name."""
