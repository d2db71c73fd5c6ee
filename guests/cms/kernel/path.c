/*
 * What can be done with a file by its path alone, and with a drive by its name.
 */
#include "file.h"
#include "string.h"

/* With the lock held: what `location` is. */
static int status_locked(const struct location *location, struct file_status *status)
{
    const struct drive *drive = location->drive;
    bool is_directory;
    int number = drive->operations->open(drive, location->path, false, &is_directory);
    if (number < 0)
        return number;
    int error = drive->operations->status(drive, (uint32_t)number, status);
    if (is_directory)
        status->type = TYPE_DIRECTORY;
    drive->operations->close(drive, (uint32_t)number);
    return error;
}

/* Work out `path`, take the lock and see to it that the drive is ready. */
static int begin(const char *directory, const char *path, bool change, struct location *location)
{
    int error = locate(directory, path, location);
    if (error < 0)
        return error;
    drive_lock();
    error = location->drive->operations->ready(location->drive);
    if (error == 0 && change && !location->drive->writable)
        error = -ERROR_READ_ONLY;
    return error < 0 ? drive_unlock(location->drive, error) : 0;
}

int path_status(const char *directory, const char *path, struct file_status *status)
{
    struct location location;
    int error = begin(directory, path, false, &location);
    return error < 0 ? error : drive_unlock(location.drive, status_locked(&location, status));
}

int path_remove(const char *directory, const char *path)
{
    struct location place;
    int error = begin(directory, path, true, &place);
    if (error < 0)
        return error;
    return drive_unlock(place.drive, place.drive->operations->remove(place.drive, place.path));
}

int path_make_directory(const char *directory, const char *path)
{
    struct location place;
    int error = begin(directory, path, true, &place);
    if (error < 0)
        return error;
    return drive_unlock(place.drive,
                        place.drive->operations->make_directory(place.drive, place.path));
}

int path_rename(const char *directory, const char *from, const char *to)
{
    struct location old_place, new_place;
    int error = locate(directory, to, &new_place);
    if (error < 0)
        return error;
    error = begin(directory, from, true, &old_place);
    if (error < 0)
        return error;
    error = -ERROR_NOT_SUPPORTED;
    if (old_place.drive == new_place.drive)
        error =
            old_place.drive->operations->rename(old_place.drive, old_place.path, new_place.path);
    return drive_unlock(old_place.drive, error);
}

int path_directory(const char *directory, const char *path, char *full)
{
    struct location location;
    struct file_status status;
    int error = begin(directory, path, false, &location);
    if (error < 0)
        return error;
    error = drive_unlock(location.drive, status_locked(&location, &status));
    if (error < 0)
        return error;
    if (status.type != TYPE_DIRECTORY)
        return -ERROR_NOT_DIRECTORY;
    /* It must fit with its drive's name, too. */
    if (strlen(location.path) + strlen(location.drive->name) + 2 > PATH_LIMIT)
        return -ERROR_BAD_NAME;
    location_text(&location, full, PATH_LIMIT + 1);
    return 0;
}

int drive_status(uint32_t index, struct drive_status *status)
{
    if (index >= DRIVE_COUNT)
        return -ERROR_NO_DRIVE;
    const struct drive *drive = &drives[index];
    memset(status, 0, sizeof *status);
    copy_string(status->name, drive->name, sizeof status->name);
    status->writable = drive->writable;
    drive_lock();
    int error = drive->operations->ready(drive);
    status->present = error != -ERROR_NO_DRIVE;
    if (error == 0)
        error = drive->operations->space(drive, &status->total_blocks, &status->free_blocks);
    status->ready = (uint32_t)-error;
    return drive_unlock(drive, 0);
}

int drive_format(const char *directory, const char *path)
{
    struct location location;
    int error = locate(directory, path, &location);
    if (error < 0)
        return error;
    if (!location.drive->writable)
        return -ERROR_READ_ONLY;
    if (location.path[0] != '\0')
        return -ERROR_BAD_ARGUMENT;
    drive_lock();
    error = -ERROR_BUSY;
    if (!drive_is_in_use(location.drive))
        error = location.drive->operations->format(location.drive);
    return drive_unlock(location.drive, error);
}
