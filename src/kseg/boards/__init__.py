"""Boards (QEMU: machine types): a folder for each machine that kseg emulates."""
