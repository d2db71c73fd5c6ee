"""The file system of the guest operating system `cms`, read and written by the host.

A disk is anything that hands out and takes back sectors of 512 bytes (`layout.SectorDevice`).
`file_system.make_file_system` writes an empty file system on one, and `CmsFileSystem` there
opens an existing one. The format is described in docs/cms-file-system.md.

Nothing that a disk holds is believed: every block and inode number is checked before it is used,
every walk is bounded, and whatever is wrong is reported as a `FileSystemError`.

Read `layout`, then `blocks`, `files`, `directories` and `file_system`, each of which stands on the
one before; `formatting` makes an empty one, `check` looks over a whole disk, `memory_disk` packs
files into an image. Modules import each other relatively: guests/build.py loads them without the
rest of kseg.
"""
