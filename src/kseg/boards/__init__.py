"""Boards: a folder for each machine that kseg is."""
