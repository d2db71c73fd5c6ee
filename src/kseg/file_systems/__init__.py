"""File systems on disk images, read and written by the host.

A disk is anything that hands out and takes back sectors of 512 bytes (`device.SectorDevice`).
`cms` is the file system of the bundled guest, `sfs` that of OS/161. Both have inodes, indirect
blocks, directories and a bitmap: what they share stands here, in `format`, `blocks`, `files`,
`directories` and `file_system`, each of which stands on the one before, and in `check` and
`repair`, which look over a whole disk. `recognition` finds out which of them is on a disk;
`copying` copies directories between a file system and the host.

Nothing that a disk holds is believed: every block and inode number is checked before it is used,
every walk is bounded, and whatever is wrong is reported as a `DamagedError`. A change that cannot
be made whole is not made at all (`device.Changes`).

Read `device` first, then those in their order. Modules import each other relatively:
guests/build.py loads them without the rest of kseg.
"""
