"""`kseg sys161`: System/161's command line, its debugger socket and its traces."""
