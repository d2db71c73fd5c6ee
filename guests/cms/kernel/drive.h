/*
 * Drives: where files can be. Each kind of drive is a set of functions; paths
 * given to them have no leading "/", and no "." or "..". All of them return 0
 * or more, or an error.
 */
#ifndef CMS_DRIVE_H
#define CMS_DRIVE_H

#include "system_calls.h"
#include "volume.h"

struct drive {
    const char *name;
    bool writable;
    struct volume *volume; /* for drives with a cms file system */
    const struct drive_operations *operations;
};

struct drive_operations {
    /* Is there a device, with a file system? */
    int (*ready)(const struct drive *drive);
    /* Open `path`, making a file if `create`: a number that stands for it. */
    int (*open)(const struct drive *drive, const char *path, bool create, bool *is_directory);
    void (*close)(const struct drive *drive, uint32_t file);
    int (*read)(const struct drive *drive, uint32_t file, uint32_t offset, void *to,
                uint32_t length);
    int (*write)(const struct drive *drive, uint32_t file, uint32_t offset, const void *from,
                 uint32_t length);
    int (*status)(const struct drive *drive, uint32_t file, struct file_status *status);
    int (*truncate)(const struct drive *drive, uint32_t file);
    /* The entry at `*position`, which moves on: 1, or 0 after the last. */
    int (*read_directory)(const struct drive *drive, uint32_t file, uint32_t *position,
                          struct directory_entry *entry);
    int (*remove)(const struct drive *drive, const char *path);
    int (*rename)(const struct drive *drive, const char *from, const char *to);
    int (*make_directory)(const struct drive *drive, const char *path);
    int (*format)(const struct drive *drive);
    int (*space)(const struct drive *drive, uint32_t *total, uint32_t *free);
};

extern const struct drive_operations volume_operations;
extern const struct drive_operations host_operations;

/* The drives, in the order in which they are listed. */
#define DRIVE_COUNT 3
extern const struct drive drives[DRIVE_COUNT];

/* Find the devices behind the drives; the working directory to begin with. */
const char *drives_start(void);

/* A drive and the place on it that a path means. */
struct location {
    const struct drive *drive;
    char path[PATH_LIMIT + 1];
};

/* Work out `path` from the working directory. 0 or an error. */
int locate(const char *directory, const char *path, struct location *location);

/* Write `location` as a full path, "drive:/path". */
void location_text(const struct location *location, char *text, size_t size);

/*
 * Operations sleep while a device works, so they must be kept apart. Unlocking
 * stores what was changed; it returns `result`, or an error if that failed.
 */
void drive_lock(void);
int drive_unlock(const struct drive *drive, int result);

/* Whether somebody has file `file` of `drive` open, or any file of it (file.c). */
bool file_is_open(const struct drive *drive, uint32_t file);
bool drive_is_in_use(const struct drive *drive);

#endif
