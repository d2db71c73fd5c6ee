/*
 * Directories on a volume: files of 32-byte entries.
 */
#ifndef CMS_DIRECTORY_H
#define CMS_DIRECTORY_H

#include "inode.h"

/* Whether `name` may stand in a directory. */
bool name_is_valid(const char *name);

/* The inode number of `name` in `directory`; -ERROR_NOT_FOUND or another error. */
int directory_find(struct file_inode *directory, const char *name);

/*
 * Fetch the next entry in use from `*position` (bytes) on, and move it behind.
 * 1, or 0 if there is none left, or an error.
 */
int directory_next(struct file_inode *directory, uint32_t *position, struct stored_entry *entry);

/* Change the entries of `directory`. 0 or an error. */
int directory_add(struct file_inode *directory, const char *name, uint32_t inode);
int directory_remove(struct file_inode *directory, const char *name);
int directory_rename(struct file_inode *directory, const char *name, const char *new_name);

/*
 * Walk `path`, which has no leading "/" and no "." or "..". With `parent`, stop
 * one short: `file` is the directory, and `*parent` points to the last name.
 */
int directory_walk(struct volume *volume, const char *path, struct file_inode *file,
                   const char **parent);

#endif
