/*
 * Inodes: what a file on a volume consists of. A file has no holes; each block
 * below its size exists.
 */
#ifndef CMS_INODE_H
#define CMS_INODE_H

#include "volume.h"

/* An inode in memory, with where it came from. */
struct file_inode {
    struct volume *volume;
    uint32_t number;
    struct inode stored;
};

/* Fetch and check inode `number`. 0 or an error. */
int inode_read(struct volume *volume, uint32_t number, struct file_inode *file);

/* Put the inode into its block. 0 or an error. */
int inode_write(const struct file_inode *file);

/* Take a free inode for a file or directory. 0 or an error. */
int inode_allocate(struct volume *volume, uint32_t type, struct file_inode *file);

/* Free all its blocks, and the inode itself if `forget`. 0 or an error. */
int inode_clear(struct file_inode *file, bool forget);

/* Move bytes, extending the file if need be. How many it were, or an error. */
int inode_read_bytes(struct file_inode *file, uint32_t offset, void *to, uint32_t length);
int inode_write_bytes(struct file_inode *file, uint32_t offset, const void *from, uint32_t length);

#endif
