/*
 * How the cms file system lies on a disk; docs/cms-file-system.md explains it.
 * Every number is big endian, as the machine is, so the structures are used as
 * they are.
 */
#ifndef CMS_FILE_SYSTEM_FORMAT_H
#define CMS_FILE_SYSTEM_FORMAT_H

#include "types.h"

#define BLOCK_SIZE 512
#define FILE_SYSTEM_MAGIC 0x434d5346 /* "CMSF" */
#define FILE_SYSTEM_VERSION 1
#define ROOT_INODE 1
#define MINIMUM_BLOCKS 8
#define MAXIMUM_BLOCKS 0x00800000

#define DIRECT_BLOCKS 10
#define POINTERS_PER_BLOCK (BLOCK_SIZE / 4)
#define MAXIMUM_FILE_BLOCKS                                                                        \
    (DIRECT_BLOCKS + POINTERS_PER_BLOCK + POINTERS_PER_BLOCK * POINTERS_PER_BLOCK)
#define BITS_PER_BLOCK (BLOCK_SIZE * 8)

struct superblock {
    uint32_t magic;
    uint32_t version;
    uint32_t block_size;
    uint32_t blocks; /* in the whole file system, this one included */
    uint32_t bitmap_start;
    uint32_t bitmap_blocks;
    uint32_t inode_start;
    uint32_t inode_blocks;
    uint32_t data_start;
    uint32_t root_inode;
    char label[16];
    uint8_t reserved[452];
    uint32_t checksum; /* inverted sum of the words before it */
};

#define INODE_FREE 0
#define INODE_FILE 1
#define INODE_DIRECTORY 2

struct inode {
    uint16_t type;
    uint16_t reserved;
    uint32_t size;     /* bytes */
    uint32_t modified; /* seconds since 1970, UTC */
    uint32_t direct[DIRECT_BLOCKS];
    uint32_t indirect;        /* block with block numbers */
    uint32_t double_indirect; /* block with numbers of such blocks */
    uint32_t unused;
};

#define INODES_PER_BLOCK (BLOCK_SIZE / sizeof(struct inode))

#define STORED_NAME_SIZE 28

struct stored_entry {
    uint32_t inode; /* 0 = free */
    char name[STORED_NAME_SIZE];
};

_Static_assert(sizeof(struct superblock) == BLOCK_SIZE, "a superblock fills a block");
_Static_assert(sizeof(struct inode) == 64, "eight inodes fill a block");
_Static_assert(sizeof(struct stored_entry) == 32, "sixteen entries fill a block");

#endif
