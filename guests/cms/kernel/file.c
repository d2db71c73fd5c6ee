/*
 * Open files. A table holds all of them; descriptors of several processes may
 * share one, with its position. Operations on drives sleep while a device works,
 * so a lock keeps them apart.
 */
#include "file.h"
#include "console.h"
#include "process.h"
#include "string.h"

#define OPEN_LIMIT 64
#define LINE_LIMIT 256

struct open_file {
    uint32_t users;            /* 0 = not in use */
    const struct drive *drive; /* NULL = the console */
    uint32_t number;           /* what the drive calls it */
    uint32_t flags;
    uint32_t position;
    bool is_directory;
};

static struct open_file files[OPEN_LIMIT];

bool file_is_open(const struct drive *drive, uint32_t number)
{
    for (uint32_t index = 0; index < OPEN_LIMIT; index++)
        if (files[index].users > 0 && files[index].drive == drive && files[index].number == number)
            return true;
    return false;
}

bool drive_is_in_use(const struct drive *drive)
{
    for (uint32_t index = 0; index < OPEN_LIMIT; index++)
        if (files[index].users > 0 && files[index].drive == drive)
            return true;
    return false;
}

static struct open_file *take(void)
{
    for (uint32_t index = 0; index < OPEN_LIMIT; index++) {
        struct open_file *file = &files[index];
        if (file->users > 0)
            continue;
        memset(file, 0, sizeof *file);
        file->users = 1;
        return file;
    }
    return NULL;
}

struct open_file *file_console(void)
{
    struct open_file *file = take();
    if (file != NULL)
        file->flags = OPEN_READ | OPEN_WRITE;
    return file;
}

/* With the lock held: open at `location`. */
static int open_locked(const struct location *location, uint32_t flags, struct open_file *file)
{
    const struct drive *drive = location->drive;
    const struct drive_operations *does = drive->operations;
    struct file_status status;
    int error = does->ready(drive);
    if (error < 0)
        return error;
    if (flags & OPEN_WRITE && !drive->writable)
        return -ERROR_READ_ONLY;
    int number = does->open(drive, location->path, (flags & OPEN_CREATE) != 0, &file->is_directory);
    if (number < 0)
        return number;
    file->number = (uint32_t)number;
    if (flags & OPEN_WRITE && file->is_directory)
        error = -ERROR_IS_DIRECTORY;
    else if (flags & OPEN_TRUNCATE && file_is_open(drive, file->number))
        error = -ERROR_BUSY;
    else if (flags & OPEN_TRUNCATE)
        error = does->truncate(drive, file->number);
    else if (flags & OPEN_APPEND && (error = does->status(drive, file->number, &status)) == 0)
        file->position = status.size;
    if (error < 0) {
        does->close(drive, file->number);
        return error;
    }
    /* Only now may file_is_open() count it. */
    file->drive = drive;
    return 0;
}

int file_open(const char *directory, const char *path, uint32_t flags, struct open_file **opened)
{
    struct location location;
    int error = locate(directory, path, &location);
    if (error < 0)
        return error;
    if (!(flags & (OPEN_READ | OPEN_WRITE)) ||
        (flags & (OPEN_CREATE | OPEN_TRUNCATE | OPEN_APPEND) && !(flags & OPEN_WRITE)))
        return -ERROR_BAD_ARGUMENT;
    struct open_file *file = take();
    if (file == NULL)
        return -ERROR_TOO_MANY;
    file->flags = flags;
    drive_lock();
    error = drive_unlock(location.drive, open_locked(&location, flags, file));
    if (error < 0) {
        file->users = 0;
        return error;
    }
    *opened = file;
    return 0;
}

struct open_file *file_share(struct open_file *file)
{
    file->users++;
    return file;
}

void file_close(struct open_file *file)
{
    if (file->users == 1 && file->drive != NULL) {
        drive_lock();
        file->drive->operations->close(file->drive, file->number);
        drive_unlock(file->drive, 0);
    }
    file->users--;
}

static int console_read(struct address_space *space, uint32_t to, uint32_t length)
{
    char line[LINE_LIMIT];
    if (length == 0)
        return 0;
    int count = console_read_line(line, length < sizeof line ? length : sizeof line);
    if (count <= 0)
        return count;
    int error = copy_to_user(space, to, line, (uint32_t)count);
    return error < 0 ? error : count;
}

int file_read(struct open_file *file, struct address_space *space, uint32_t to, uint32_t length)
{
    uint32_t done = 0;
    int count = 0;
    if (!(file->flags & OPEN_READ))
        return -ERROR_BAD_DESCRIPTOR;
    if (file->drive == NULL)
        return console_read(space, to, length);
    if (file->is_directory)
        return -ERROR_IS_DIRECTORY;
    drive_lock();
    while (done < length) {
        uint32_t part = part_in_page(to + done, length - done);
        void *pointer = user_pointer(space, to + done, true);
        count = -ERROR_BAD_ADDRESS;
        if (pointer != NULL)
            count = file->drive->operations->read(file->drive, file->number, file->position,
                                                  pointer, part);
        if (count <= 0)
            break;
        done += (uint32_t)count;
        file->position += (uint32_t)count;
        if ((uint32_t)count < part)
            break;
    }
    return drive_unlock(file->drive, done > 0 ? (int)done : count);
}

static int console_write_from(struct address_space *space, uint32_t from, uint32_t length)
{
    for (uint32_t done = 0; done < length;) {
        uint32_t part = part_in_page(from + done, length - done);
        const char *pointer = user_pointer(space, from + done, false);
        if (pointer == NULL)
            return -ERROR_BAD_ADDRESS;
        console_write(pointer, part);
        done += part;
    }
    return (int)length;
}

int file_write(struct open_file *file, struct address_space *space, uint32_t from, uint32_t length)
{
    uint32_t done = 0;
    int count = 0;
    if (!(file->flags & OPEN_WRITE))
        return -ERROR_BAD_DESCRIPTOR;
    if (length > 0x7fffffff)
        return -ERROR_BAD_ADDRESS;
    if (file->drive == NULL)
        return console_write_from(space, from, length);
    drive_lock();
    while (done < length) {
        uint32_t part = part_in_page(from + done, length - done);
        const void *pointer = user_pointer(space, from + done, false);
        count = -ERROR_BAD_ADDRESS;
        if (pointer != NULL)
            count = file->drive->operations->write(file->drive, file->number, file->position,
                                                   pointer, part);
        if (count <= 0)
            break;
        done += (uint32_t)count;
        file->position += (uint32_t)count;
        if ((uint32_t)count < part)
            break;
    }
    return drive_unlock(file->drive, done > 0 ? (int)done : count);
}

int file_read_at(struct open_file *file, uint32_t offset, void *to, uint32_t length)
{
    if (file->drive == NULL || file->is_directory)
        return -ERROR_NOT_PROGRAM;
    drive_lock();
    int count = file->drive->operations->read(file->drive, file->number, offset, to, length);
    return drive_unlock(file->drive, count);
}

int file_seek(struct open_file *file, uint32_t offset)
{
    if (file->drive == NULL || file->is_directory || offset > 0x7fffffff)
        return -ERROR_BAD_ARGUMENT;
    file->position = offset;
    return (int)offset;
}

int file_next_entry(struct open_file *file, struct directory_entry *entry)
{
    if (file->drive == NULL || !file->is_directory)
        return -ERROR_NOT_DIRECTORY;
    drive_lock();
    return drive_unlock(file->drive, file->drive->operations->read_directory(
                                         file->drive, file->number, &file->position, entry));
}
