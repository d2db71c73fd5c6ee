/*
 * The system disk: a cms file system with all programs, made by guests/build.py
 * and handed in as the file system.disk.
 */
        .section .rodata.system_disk, "a"
        .balign 16
        .globl system_disk
system_disk:
        .incbin "system.disk"
        .globl system_disk_end
system_disk_end:
