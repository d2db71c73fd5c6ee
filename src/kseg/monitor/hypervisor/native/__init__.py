"""The monitor's hot paths as machine code. Read the Python that they are a copy of first."""
