/*
 * The drives, and how a path finds one: "drive:/path" is complete, "/path" is on
 * the drive of the working directory, and "path" is below it.
 */
#include "drive.h"
#include "disk.h"
#include "process.h"
#include "string.h"

extern const uint8_t system_disk[];
extern const uint8_t system_disk_end[];

static struct volume system_volume = {.name = "s", .memory = system_disk};
static struct volume disk_volume = {.name = "a"};

const struct drive drives[DRIVE_COUNT] = {
    {"s", false, &system_volume, &volume_operations},
    {"a", true, &disk_volume, &volume_operations},
    {"host", true, NULL, &host_operations},
};

const char *drives_start(void)
{
    system_volume.sectors = (uint32_t)(system_disk_end - system_disk) / BLOCK_SIZE;
    disk_volume.sectors = disk_sectors();
    return disk_volume.sectors > 0 ? "a:/" : "s:/";
}

static bool busy;

void drive_lock(void)
{
    while (busy)
        process_sleep(&busy);
    busy = true;
}

int drive_unlock(const struct drive *drive, int result)
{
    int error = drive->volume != NULL ? volume_flush(drive->volume) : 0;
    busy = false;
    process_wake(&busy);
    return result < 0 || error == 0 ? result : error;
}

static const struct drive *drive_named(const char *name, size_t length)
{
    for (uint32_t index = 0; index < DRIVE_COUNT; index++) {
        const char *candidate = drives[index].name;
        if (strlen(candidate) == length && strncmp(candidate, name, length) == 0)
            return &drives[index];
    }
    return NULL;
}

/* Append one part of a path to `to`, with "." and ".." carried out. */
static int append(char *to, const char *part, size_t length)
{
    size_t end = strlen(to);
    if (length == 0 || (length == 1 && part[0] == '.'))
        return 0;
    if (length == 2 && part[0] == '.' && part[1] == '.') {
        while (end > 0 && to[end - 1] != '/')
            end--;
        to[end > 0 ? end - 1 : 0] = '\0';
        return 0;
    }
    if (end + 1 + length > PATH_LIMIT)
        return -ERROR_BAD_NAME;
    if (end > 0)
        to[end++] = '/';
    copy_string(to + end, part, length + 1);
    return 0;
}

static int append_all(char *to, const char *path)
{
    for (;;) {
        const char *slash = strchr(path, '/');
        size_t length = slash == NULL ? strlen(path) : (size_t)(slash - path);
        int error = append(to, path, length);
        if (error < 0 || slash == NULL)
            return error;
        path = slash + 1;
    }
}

int locate(const char *directory, const char *path, struct location *location)
{
    const char *colon = strchr(path, ':');
    const char *home = strchr(directory, ':');
    if (*path == '\0')
        return -ERROR_BAD_NAME;
    location->path[0] = '\0';
    if (colon != NULL) {
        location->drive = drive_named(path, (size_t)(colon - path));
        path = colon + 1;
    } else {
        location->drive = drive_named(directory, (size_t)(home - directory));
        if (*path != '/')
            append_all(location->path, home + 1);
    }
    if (location->drive == NULL)
        return -ERROR_NO_DRIVE;
    return append_all(location->path, path);
}

void location_text(const struct location *location, char *text, size_t size)
{
    size_t length = strlen(location->drive->name);
    copy_string(text, location->drive->name, size);
    copy_string(text + length, ":/", size - length);
    copy_string(text + length + 2, location->path, size - length - 2);
}
