"""BLAKE2b, as in `hashlib`, which would load OpenSSL: that takes as long as a board."""

try:
    from _blake2 import blake2b
except ImportError:  # a Python that has it somewhere else
    from hashlib import blake2b

__all__ = ["blake2b"]
