"""SFS, the file system of OS/161, read and written by the host.

Its format is that of OS/161's `kern/include/kern/sfs.h`; docs/disk-images.md describes it, and
which variants of it there are. Read `layout`, then `file_system`; `formatting` makes an empty one,
`journal` says whether one waits for recovery, `check` and `repair` look over a whole disk.
"""
