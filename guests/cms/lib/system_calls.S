/*
 * The system calls as functions: the number in $v0, the arguments where they
 * are. The kernel answers in $v0, and in $a3 with an error number or 0, which
 * becomes a negative return value.
 */
#include "system_calls.h"

        .set noreorder

        .macro system_call name, number
        .section .text.\name, "ax"
        .globl  \name
\name:
        li      $v0, \number
        syscall
        bnez    $a3, 1f
        nop
        jr      $ra
        nop
1:      jr      $ra
        subu    $v0, $zero, $a3
        .endm

        system_call end_process, SYSTEM_EXIT
        system_call spawn, SYSTEM_SPAWN
        system_call wait, SYSTEM_WAIT
        system_call kill, SYSTEM_KILL
        system_call process_number, SYSTEM_PROCESS_NUMBER
        system_call yield, SYSTEM_YIELD
        system_call sleep, SYSTEM_SLEEP
        system_call time, SYSTEM_TIME
        system_call limit, SYSTEM_LIMIT
        system_call grow_heap, SYSTEM_GROW_HEAP
        system_call protect, SYSTEM_PROTECT
        system_call memory_status, SYSTEM_MEMORY_STATUS
        system_call process_status, SYSTEM_PROCESS_STATUS
        system_call halt, SYSTEM_HALT
        system_call open, SYSTEM_OPEN
        system_call close, SYSTEM_CLOSE
        system_call read, SYSTEM_READ
        system_call write, SYSTEM_WRITE
        system_call seek, SYSTEM_SEEK
        system_call read_directory, SYSTEM_READ_DIRECTORY
        system_call status, SYSTEM_STATUS
        system_call remove, SYSTEM_REMOVE
        system_call rename, SYSTEM_RENAME
        system_call make_directory, SYSTEM_MAKE_DIRECTORY
        system_call change_directory, SYSTEM_CHANGE_DIRECTORY
        system_call working_directory, SYSTEM_WORKING_DIRECTORY
        system_call read_key, SYSTEM_READ_KEY
        system_call drive_status, SYSTEM_DRIVE_STATUS
        system_call format_drive, SYSTEM_FORMAT
