"""The file system of the guest operating system `cms`, read and written by the host.

`file_system.make_file_system` writes an empty file system on one, and `CmsFileSystem` there
opens an existing one. The format is described in docs/cms-file-system.md.

Read `layout`, then `file_system`; `formatting` makes an empty one, `check` and `repair` look over a
whole disk, `memory_disk` packs files into an image. Modules import each other relatively:
guests/build.py loads them without the rest of kseg.
"""
