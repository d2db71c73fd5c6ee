"""The board that System/161 emulates: LAMEbus, its configuration, its hub and its meter."""
