/*
 * Drives with a cms file system: the drive functions in terms of inodes and
 * directories. The number that stands for an open file is its inode's.
 */
#include "directory.h"
#include "drive.h"
#include "inode.h"
#include "string.h"

static int ready(const struct drive *drive)
{
    return volume_mount(drive->volume);
}

static int create(struct file_inode *directory, const char *name, uint32_t type,
                  struct file_inode *file)
{
    int error = inode_allocate(directory->volume, type, file);
    if (error < 0)
        return error;
    /* The inode must be there before a name refers to it. */
    error = volume_flush(directory->volume);
    if (error == 0)
        error = directory_add(directory, name, file->number);
    if (error < 0)
        inode_clear(file, true);
    return error;
}

static int open(const struct drive *drive, const char *path, bool make, bool *is_directory)
{
    struct file_inode file, directory;
    const char *name;
    int error = directory_walk(drive->volume, path, &file, NULL);
    if (error == -ERROR_NOT_FOUND && make) {
        error = directory_walk(drive->volume, path, &directory, &name);
        if (error == 0)
            error = create(&directory, name, INODE_FILE, &file);
    }
    if (error < 0)
        return error;
    *is_directory = file.stored.type == INODE_DIRECTORY;
    return (int)file.number;
}

static void close(const struct drive *drive, uint32_t file)
{
    (void)drive;
    (void)file;
}

static int read(const struct drive *drive, uint32_t number, uint32_t offset, void *to,
                uint32_t length)
{
    struct file_inode file;
    int error = inode_read(drive->volume, number, &file);
    return error < 0 ? error : inode_read_bytes(&file, offset, to, length);
}

static int write(const struct drive *drive, uint32_t number, uint32_t offset, const void *from,
                 uint32_t length)
{
    struct file_inode file;
    int error = inode_read(drive->volume, number, &file);
    return error < 0 ? error : inode_write_bytes(&file, offset, from, length);
}

static void fill_status(const struct file_inode *file, struct file_status *status)
{
    status->type = file->stored.type == INODE_DIRECTORY ? TYPE_DIRECTORY : TYPE_FILE;
    status->size = file->stored.size;
    status->modified = file->stored.modified;
}

static int status(const struct drive *drive, uint32_t number, struct file_status *status)
{
    struct file_inode file;
    int error = inode_read(drive->volume, number, &file);
    if (error == 0)
        fill_status(&file, status);
    return error;
}

static int truncate(const struct drive *drive, uint32_t number)
{
    struct file_inode file;
    int error = inode_read(drive->volume, number, &file);
    return error < 0 ? error : inode_clear(&file, false);
}

static int read_directory(const struct drive *drive, uint32_t number, uint32_t *position,
                          struct directory_entry *entry)
{
    struct file_inode directory, file;
    struct stored_entry stored;
    int result = inode_read(drive->volume, number, &directory);
    if (result == 0)
        result = directory_next(&directory, position, &stored);
    if (result <= 0)
        return result;
    int error = inode_read(drive->volume, stored.inode, &file);
    if (error < 0)
        return error;
    fill_status(&file, &entry->status);
    copy_string(entry->name, stored.name, sizeof entry->name);
    return result;
}

static bool is_empty(struct file_inode *directory)
{
    struct stored_entry entry;
    uint32_t position = 0;
    return directory_next(directory, &position, &entry) == 0;
}

static int remove(const struct drive *drive, const char *path)
{
    struct file_inode directory, file;
    const char *name;
    int error = directory_walk(drive->volume, path, &directory, &name);
    if (error < 0)
        return error;
    int number = directory_find(&directory, name);
    if (number < 0)
        return number;
    error = inode_read(drive->volume, (uint32_t)number, &file);
    if (error < 0)
        return error;
    if (file_is_open(drive, file.number))
        return -ERROR_BUSY;
    if (file.stored.type == INODE_DIRECTORY && !is_empty(&file))
        return -ERROR_NOT_EMPTY;
    error = directory_remove(&directory, name);
    if (error == 0)
        error = volume_flush(drive->volume);
    return error < 0 ? error : inode_clear(&file, true);
}

/* Whether `path` is `directory` or lies below it. */
static bool is_within(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static int rename(const struct drive *drive, const char *from, const char *to)
{
    struct file_inode old_directory, new_directory, file;
    const char *old_name, *new_name;
    int error = directory_walk(drive->volume, from, &old_directory, &old_name);
    if (error < 0)
        return error;
    int number = directory_find(&old_directory, old_name);
    if (number < 0)
        return number;
    if (is_within(to, from))
        return -ERROR_BAD_ARGUMENT;
    error = directory_walk(drive->volume, to, &file, NULL);
    if (error != -ERROR_NOT_FOUND)
        return error < 0 ? error : -ERROR_EXISTS;
    error = directory_walk(drive->volume, to, &new_directory, &new_name);
    if (error == 0 && new_directory.number == old_directory.number)
        return directory_rename(&old_directory, old_name, new_name);
    if (error == 0)
        error = directory_add(&new_directory, new_name, (uint32_t)number);
    if (error == 0)
        error = volume_flush(drive->volume);
    if (error < 0)
        return error;
    /* The new entry may have changed the directory that the old one is in. */
    error = inode_read(drive->volume, old_directory.number, &old_directory);
    return error < 0 ? error : directory_remove(&old_directory, old_name);
}

static int make_directory(const struct drive *drive, const char *path)
{
    struct file_inode directory, file;
    const char *name;
    int error = directory_walk(drive->volume, path, &file, NULL);
    if (error != -ERROR_NOT_FOUND)
        return error < 0 ? error : -ERROR_EXISTS;
    error = directory_walk(drive->volume, path, &directory, &name);
    return error < 0 ? error : create(&directory, name, INODE_DIRECTORY, &file);
}

static int format(const struct drive *drive)
{
    int error = volume_format(drive->volume);
    return error < 0 ? error : volume_mount(drive->volume);
}

static int space(const struct drive *drive, uint32_t *total, uint32_t *free)
{
    int count = volume_free_blocks(drive->volume);
    if (count < 0)
        return count;
    *total = drive->volume->blocks;
    *free = (uint32_t)count;
    return 0;
}

const struct drive_operations volume_operations = {
    .ready = ready,
    .open = open,
    .close = close,
    .read = read,
    .write = write,
    .status = status,
    .truncate = truncate,
    .read_directory = read_directory,
    .remove = remove,
    .rename = rename,
    .make_directory = make_directory,
    .format = format,
    .space = space,
};
