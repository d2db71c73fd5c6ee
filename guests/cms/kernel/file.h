/*
 * Open files: what a descriptor refers to. One operation on drives runs at a
 * time, whoever sleeps in it. Functions return 0 or more, or an error.
 */
#ifndef CMS_FILE_H
#define CMS_FILE_H

#include "address_space.h"
#include "drive.h"

struct open_file;

/* Open `path` seen from `directory`; `flags` are the OPEN_... ones. */
int file_open(const char *directory, const char *path, uint32_t flags, struct open_file **file);

/* The console, opened for reading and writing. */
struct open_file *file_console(void);

/* One more user of `file`, or one less; the last one closes it. */
struct open_file *file_share(struct open_file *file);
void file_close(struct open_file *file);

/* Move bytes to and from the memory of `space` at the file's position. */
int file_read(struct open_file *file, struct address_space *space, uint32_t to, uint32_t length);
int file_write(struct open_file *file, struct address_space *space, uint32_t from, uint32_t length);

/* Read bytes of a file at `offset` into the kernel's memory. */
int file_read_at(struct open_file *file, uint32_t offset, void *to, uint32_t length);

int file_seek(struct open_file *file, uint32_t offset);
int file_next_entry(struct open_file *file, struct directory_entry *entry);

/* By path, seen from `directory`. */
int path_status(const char *directory, const char *path, struct file_status *status);
int path_remove(const char *directory, const char *path);
int path_rename(const char *directory, const char *from, const char *to);
int path_make_directory(const char *directory, const char *path);

/* Check that `path` is a directory, and write its full path to `full`. */
int path_directory(const char *directory, const char *path, char *full);

int drive_status(uint32_t index, struct drive_status *status);
int drive_format(const char *directory, const char *path);

#endif
