/*
 * ls [-l] [PATH...]: the names in a directory, or with -l their size in bytes and
 * time of change.
 */
#include "cms.h"

static bool is_long;

static void show(const char *name, const struct file_status *status)
{
    const char *mark = status->type == TYPE_DIRECTORY ? "/" : "";
    if (!is_long) {
        printf("%s%s\n", name, mark);
        return;
    }
    struct date date;
    date_of(status->modified, &date);
    printf("%8u %04u-%02u-%02u %02u:%02u %s%s\n", status->size, date.year, date.month, date.day,
           date.hour, date.minute, name, mark);
}

/* The host's directory tells names only; the rest takes a question for each. */
static void complete(const char *path, struct directory_entry *entry)
{
    char full[PATH_LIMIT + 1];
    if (entry->status.type != 0)
        return;
    copy_string(full, path, sizeof full);
    if (copy_string(full + strlen(full), "/", sizeof full - strlen(full)) &&
        copy_string(full + strlen(full), entry->name, sizeof full - strlen(full)))
        status(full, &entry->status);
}

static int list(const char *path)
{
    struct file_status found;
    struct directory_entry entry;
    int error = status(path, &found);
    if (error < 0)
        return fail(path, error);
    if (found.type != TYPE_DIRECTORY) {
        show(path, &found);
        return 0;
    }
    int directory = open(path, OPEN_READ);
    if (directory < 0)
        return fail(path, directory);
    while ((error = read_directory(directory, &entry)) > 0) {
        complete(path, &entry);
        show(entry.name, &entry.status);
    }
    close(directory);
    return error < 0 ? fail(path, error) : 0;
}

int main(int argc, char **argv)
{
    int first = 1, result = 0;
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        is_long = true;
        first = 2;
    }
    if (first == argc)
        return list(".");
    for (int index = first; index < argc; index++)
        result |= list(argv[index]);
    return result;
}
