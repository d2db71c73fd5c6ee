/*
 * The emufs device: a directory of the host. Paths have no leading "/"; the
 * empty path is the directory itself. Every function sleeps until the device
 * has answered, and returns 0 or more, or an error.
 */
#ifndef CMS_EMUFS_H
#define CMS_EMUFS_H

#include "types.h"

/* Take the device in `slot`; false if there is one already. */
bool emufs_start(uint32_t slot);
void emufs_interrupt(void);
bool emufs_present(void);

/* Open a file or directory, which `create` makes if need be: its handle. */
int emufs_open(const char *path, bool create, bool *is_directory);
void emufs_close(uint32_t handle);

/* Move at most EMUFS_TRANSFER_LIMIT bytes; how many it were. */
#define EMUFS_TRANSFER_LIMIT 16384
int emufs_read(uint32_t handle, uint32_t offset, void *to, uint32_t length);
int emufs_write(uint32_t handle, uint32_t offset, const void *from, uint32_t length);

/* The name of entry `index` of a directory, as a C text; 0 after the last. */
int emufs_read_directory(uint32_t handle, uint32_t index, char *name, uint32_t size);

int emufs_size(uint32_t handle, uint32_t *size);
int emufs_truncate(uint32_t handle, uint32_t size);

#endif
