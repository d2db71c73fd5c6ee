/*
 * The drive "host": a directory of the host, through the emufs device. The
 * device gives the same handle for the same file however often it is opened, so
 * the openings are counted here. It cannot remove, rename or make directories.
 */
#include "drive.h"
#include "emufs.h"
#include "string.h"

#define HANDLES 64

static uint32_t openings[HANDLES];

static int ready(const struct drive *drive)
{
    (void)drive;
    return emufs_present() ? 0 : -ERROR_NO_DRIVE;
}

static int open(const struct drive *drive, const char *path, bool create, bool *is_directory)
{
    (void)drive;
    int handle = emufs_open(path, false, is_directory);
    if (handle == -ERROR_NOT_FOUND && create)
        handle = emufs_open(path, true, is_directory);
    if (handle >= HANDLES)
        return -ERROR_INPUT_OUTPUT;
    if (handle >= 0)
        openings[handle]++;
    return handle;
}

static void close(const struct drive *drive, uint32_t handle)
{
    (void)drive;
    if (--openings[handle] == 0)
        emufs_close(handle);
}

static int read(const struct drive *drive, uint32_t handle, uint32_t offset, void *to,
                uint32_t length)
{
    (void)drive;
    return emufs_read(handle, offset, to, length);
}

static int write(const struct drive *drive, uint32_t handle, uint32_t offset, const void *from,
                 uint32_t length)
{
    (void)drive;
    return emufs_write(handle, offset, from, length);
}

static int status(const struct drive *drive, uint32_t handle, struct file_status *status)
{
    (void)drive;
    status->type = TYPE_FILE;
    status->modified = 0;
    return emufs_size(handle, &status->size);
}

static int truncate(const struct drive *drive, uint32_t handle)
{
    (void)drive;
    return emufs_truncate(handle, 0);
}

static int read_directory(const struct drive *drive, uint32_t handle, uint32_t *position,
                          struct directory_entry *entry)
{
    (void)drive;
    for (;;) {
        char name[NAME_LIMIT + 1];
        int length = emufs_read_directory(handle, (*position)++, name, sizeof name);
        if (length <= 0)
            return length;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        /* The device tells no more than the name; asking would cost two requests. */
        memset(entry, 0, sizeof *entry);
        copy_string(entry->name, name, sizeof entry->name);
        return 1;
    }
}

static int not_supported(const struct drive *drive, const char *path)
{
    (void)drive;
    (void)path;
    return -ERROR_NOT_SUPPORTED;
}

static int rename(const struct drive *drive, const char *from, const char *to)
{
    (void)to;
    return not_supported(drive, from);
}

static int format(const struct drive *drive)
{
    return not_supported(drive, NULL);
}

static int space(const struct drive *drive, uint32_t *total, uint32_t *free)
{
    (void)drive;
    *total = 0;
    *free = 0;
    return 0;
}

const struct drive_operations host_operations = {
    .ready = ready,
    .open = open,
    .close = close,
    .read = read,
    .write = write,
    .status = status,
    .truncate = truncate,
    .read_directory = read_directory,
    .remove = not_supported,
    .rename = rename,
    .make_directory = not_supported,
    .format = format,
    .space = space,
};
