/*
 * Directories on a volume, and walking paths through them.
 */
#include "directory.h"
#include "string.h"
#include "system_calls.h"

bool name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_LIMIT || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (; *name != '\0'; name++)
        if (*name <= ' ' || *name > '~' || *name == '/' || *name == ':')
            return false;
    return true;
}

int directory_next(struct file_inode *directory, uint32_t *position, struct stored_entry *entry)
{
    for (;;) {
        int count = inode_read_bytes(directory, *position, entry, sizeof *entry);
        if (count < (int)sizeof *entry)
            return count < 0 ? count : 0;
        *position += sizeof *entry;
        if (entry->inode == 0)
            continue;
        if (entry->name[STORED_NAME_SIZE - 1] != '\0' || !name_is_valid(entry->name))
            return volume_damaged(directory->volume, "directory inode %u holds a bad name",
                                  directory->number);
        return 1;
    }
}

/* The position of `name`, with its entry; or an error. */
static int locate(struct file_inode *directory, const char *name, struct stored_entry *entry)
{
    uint32_t position = 0;
    int found;
    while ((found = directory_next(directory, &position, entry)) > 0)
        if (strcmp(entry->name, name) == 0)
            return (int)(position - sizeof *entry);
    return found < 0 ? found : -ERROR_NOT_FOUND;
}

int directory_find(struct file_inode *directory, const char *name)
{
    struct stored_entry entry;
    if (directory->stored.type != INODE_DIRECTORY)
        return -ERROR_NOT_DIRECTORY;
    int position = locate(directory, name, &entry);
    if (position < 0)
        return position;
    /* The next step checks the number; here it only must not look like an error. */
    return (int)(entry.inode & 0x7fffffff);
}

/* Store the entry at `position`: a name and its inode, or a free entry. */
static int put_entry(struct file_inode *directory, uint32_t position, const char *name,
                     uint32_t inode)
{
    struct stored_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.inode = inode;
    copy_string(entry.name, name, sizeof entry.name);
    int count = inode_write_bytes(directory, position, &entry, sizeof entry);
    return count < 0 ? count : 0;
}

int directory_add(struct file_inode *directory, const char *name, uint32_t inode)
{
    struct stored_entry entry;
    uint32_t position = 0;
    while (position < directory->stored.size) {
        int count = inode_read_bytes(directory, position, &entry, sizeof entry);
        if (count < 0)
            return count;
        if (entry.inode == 0)
            break;
        position += sizeof entry;
    }
    return put_entry(directory, position, name, inode);
}

int directory_remove(struct file_inode *directory, const char *name)
{
    struct stored_entry entry;
    int position = locate(directory, name, &entry);
    return position < 0 ? position : put_entry(directory, (uint32_t)position, "", 0);
}

int directory_rename(struct file_inode *directory, const char *name, const char *new_name)
{
    struct stored_entry entry;
    int position = locate(directory, name, &entry);
    if (position < 0)
        return position;
    return put_entry(directory, (uint32_t)position, new_name, entry.inode);
}

int directory_walk(struct volume *volume, const char *path, struct file_inode *file,
                   const char **parent)
{
    int error = inode_read(volume, ROOT_INODE, file);
    if (error < 0)
        return error;
    if (parent != NULL && *path == '\0')
        return -ERROR_BAD_NAME;
    while (*path != '\0') {
        char name[NAME_LIMIT + 1];
        const char *slash = strchr(path, '/');
        size_t length = slash == NULL ? strlen(path) : (size_t)(slash - path);
        if (file->stored.type != INODE_DIRECTORY)
            return -ERROR_NOT_DIRECTORY;
        if (parent != NULL && slash == NULL) {
            *parent = path;
            return name_is_valid(path) ? 0 : -ERROR_BAD_NAME;
        }
        if (length > NAME_LIMIT)
            return -ERROR_NOT_FOUND;
        copy_string(name, path, length + 1);
        int number = directory_find(file, name);
        if (number < 0)
            return number;
        error = inode_read(volume, (uint32_t)number, file);
        if (error < 0)
            return error;
        path += length + (slash != NULL);
    }
    return 0;
}
