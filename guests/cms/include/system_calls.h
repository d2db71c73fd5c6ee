/*
 * The contract between the kernel and user programs: system call numbers,
 * error numbers and the structures that cross the boundary. Assembly includes
 * it too, so everything that is C is hidden from the assembler.
 */
#ifndef CMS_SYSTEM_CALLS_H
#define CMS_SYSTEM_CALLS_H

/* System call numbers, passed in $v0. docs/cms.md holds the full table. */
#define SYSTEM_EXIT 1
#define SYSTEM_SPAWN 2
#define SYSTEM_WAIT 3
#define SYSTEM_KILL 4
#define SYSTEM_PROCESS_NUMBER 5
#define SYSTEM_YIELD 6
#define SYSTEM_SLEEP 7
#define SYSTEM_TIME 8
#define SYSTEM_LIMIT 9
#define SYSTEM_GROW_HEAP 10
#define SYSTEM_PROTECT 11
#define SYSTEM_MEMORY_STATUS 12
#define SYSTEM_PROCESS_STATUS 13
#define SYSTEM_HALT 14
#define SYSTEM_OPEN 15
#define SYSTEM_CLOSE 16
#define SYSTEM_READ 17
#define SYSTEM_WRITE 18
#define SYSTEM_SEEK 19
#define SYSTEM_READ_DIRECTORY 20
#define SYSTEM_STATUS 21
#define SYSTEM_REMOVE 22
#define SYSTEM_RENAME 23
#define SYSTEM_MAKE_DIRECTORY 24
#define SYSTEM_CHANGE_DIRECTORY 25
#define SYSTEM_WORKING_DIRECTORY 26
#define SYSTEM_READ_KEY 27
#define SYSTEM_DRIVE_STATUS 28
#define SYSTEM_FORMAT 29

/* Error numbers, returned in $a3; 0 means success. */
#define ERROR_NOT_FOUND 1
#define ERROR_EXISTS 2
#define ERROR_NOT_DIRECTORY 3
#define ERROR_IS_DIRECTORY 4
#define ERROR_NOT_EMPTY 5
#define ERROR_NO_SPACE 6
#define ERROR_READ_ONLY 7
#define ERROR_DAMAGED 8
#define ERROR_BAD_NAME 9
#define ERROR_BAD_DESCRIPTOR 10
#define ERROR_BAD_ADDRESS 11
#define ERROR_BAD_ARGUMENT 12
#define ERROR_NO_MEMORY 13
#define ERROR_TOO_MANY 14
#define ERROR_NOT_SUPPORTED 15
#define ERROR_NO_DRIVE 16
#define ERROR_NOT_FORMATTED 17
#define ERROR_INPUT_OUTPUT 18
#define ERROR_NOT_PROGRAM 19
#define ERROR_NO_PROCESS 20
#define ERROR_INTERRUPTED 21
#define ERROR_TOO_BIG 22
#define ERROR_BUSY 23
#define ERROR_COUNT 24

/* The user half of the address space; see docs/cms.md, "Memory map". */
#define USER_BOTTOM 0x00001000
#define USER_PROGRAM 0x00400000
#define STACK_TOP 0x3ffff000
#define STACK_SIZE 0x00040000
#define HEAP_LIMIT 0x3f000000

#ifndef __ASSEMBLER__

#include "types.h"

/* How to open a file. */
#define OPEN_READ 1
#define OPEN_WRITE 2
#define OPEN_CREATE 4   /* make the file if it does not exist */
#define OPEN_TRUNCATE 8 /* make the file empty */
#define OPEN_APPEND 16  /* start at the end of the file */

/* For SYSTEM_LIMIT: leave the limit as it is; the largest limit, in seconds. */
#define LIMIT_QUERY 0xffffffffu
#define LIMIT_MAXIMUM 1000000

#define NAME_LIMIT 27  /* characters in a file name */
#define PATH_LIMIT 127 /* characters in a path */

/* What SYSTEM_WAIT stores: the exit status, 0 to 255, or one of these. */
#define ENDED_BY_KERNEL 256     /* misbehaved; the kernel has said how */
#define ENDED_BY_KILL 257       /* another process asked for it */
#define ENDED_BY_INTERRUPT 258  /* Ctrl-C */
#define ENDED_BY_TIME_LIMIT 259 /* used up its CPU time */

enum file_type { TYPE_FILE = 1, TYPE_DIRECTORY = 2, TYPE_CONSOLE = 3 };

struct file_status {
    uint32_t type;     /* enum file_type */
    uint32_t size;     /* bytes */
    uint32_t modified; /* seconds since 1970, UTC; 0 = unknown */
};

struct directory_entry {
    struct file_status status;
    char name[NAME_LIMIT + 1];
};

struct time {
    uint32_t seconds; /* since 1970, UTC */
    uint32_t nanoseconds;
};

struct memory_status {
    uint32_t total_pages;     /* pages of 4096 bytes in the machine */
    uint32_t free_pages;      /* of these, not in use */
    uint32_t process_pages;   /* pages of the calling process */
    uint32_t zero_faults;     /* pages given out at their first use, since boot */
    uint32_t modified_faults; /* first stores to pages mapped read-only, since boot */
};

struct process_status {
    uint32_t process; /* number; 0 = no such process */
    uint32_t parent;
    uint32_t milliseconds; /* of CPU time, in ticks of 10 */
    uint32_t pages;
    char state[8];
    char name[NAME_LIMIT + 1];
};

struct drive_status {
    char name[8];
    uint32_t present; /* 0 = no such device */
    uint32_t ready;   /* 0, or the error number that keeps it from use */
    uint32_t writable;
    uint32_t total_blocks; /* of 512 bytes; 0 = unknown */
    uint32_t free_blocks;
};

#endif
#endif
