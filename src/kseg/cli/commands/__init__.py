"""One file a subcommand of `kseg`."""
