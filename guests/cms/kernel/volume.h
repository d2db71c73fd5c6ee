/*
 * A volume: a disk, or the system disk in the kernel's own image, with a cms
 * file system on it. Here are its superblock, its blocks and its bitmap.
 */
#ifndef CMS_VOLUME_H
#define CMS_VOLUME_H

#include "file_system_format.h"

struct volume {
    const char *name;
    const uint8_t *memory; /* the whole volume, or NULL for the disk */
    uint32_t sectors;      /* that the device has */
    bool mounted;
    int mount_error; /* why it cannot be; a new file system may change that */

    /* From the superblock, once mounted. */
    uint32_t blocks;
    uint32_t inode_blocks;

    /* Where to look first for something free. */
    uint32_t next_block;
    uint32_t next_inode;
};

static inline uint32_t bitmap_blocks(const struct volume *volume)
{
    return (volume->blocks + BITS_PER_BLOCK - 1) / BITS_PER_BLOCK;
}

static inline uint32_t inode_start(const struct volume *volume)
{
    return 1 + bitmap_blocks(volume);
}

static inline uint32_t data_start(const struct volume *volume)
{
    return inode_start(volume) + volume->inode_blocks;
}

/* Check the superblock, unless that was done before. 0 or an error. */
int volume_mount(struct volume *volume);

/* Write an empty file system. 0 or an error. */
int volume_format(struct volume *volume);

/* Say what is wrong with the volume, and return -ERROR_DAMAGED. */
int volume_damaged(const struct volume *volume, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The contents of a block. The pointers are good until many other blocks have
 * been asked for; NULL means that the disk failed. What block_change and
 * block_clear (which gives a block of zeros) return may be written to, and
 * reaches the disk with volume_flush.
 */
const void *block_read(struct volume *volume, uint32_t block);
void *block_change(struct volume *volume, uint32_t block);
void *block_clear(struct volume *volume, uint32_t block);

/* Write what was changed: bitmap, data, inodes. 0 or -ERROR_INPUT_OUTPUT. */
int volume_flush(struct volume *volume);

/* Take a free block, or give one back. The number or an error. */
int block_allocate(struct volume *volume);
int block_release(struct volume *volume, uint32_t block);

/* How many blocks are free, or an error. */
int volume_free_blocks(struct volume *volume);

#endif
