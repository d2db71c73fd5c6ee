/*
 * cp FROM TO: copy a file; TO may be a directory.
 */
#include "cms.h"

/* Where the copy goes: `to` itself, or a file of the same name in it. */
static bool target(const char *from, const char *to, char *path)
{
    struct file_status found;
    if (!copy_string(path, to, PATH_LIMIT + 1))
        return false;
    if (status(to, &found) < 0 || found.type != TYPE_DIRECTORY)
        return true;
    const char *name = strchr(from, ':') != NULL ? strchr(from, ':') + 1 : from;
    for (const char *slash; (slash = strchr(name, '/')) != NULL;)
        name = slash + 1;
    size_t length = strlen(path);
    return copy_string(path + length, "/", PATH_LIMIT + 1 - length) &&
           copy_string(path + length + 1, name, PATH_LIMIT - length);
}

static int copy(const char *from, int input, const char *to, int output)
{
    static char buffer[4096];
    int count;
    while ((count = read(input, buffer, sizeof buffer)) > 0) {
        int written = write(output, buffer, (uint32_t)count);
        if (written < count)
            return fail(to, written < 0 ? written : ERROR_NO_SPACE);
    }
    return count < 0 ? fail(from, count) : 0;
}

int main(int argc, char **argv)
{
    char path[PATH_LIMIT + 1];
    if (argc != 3) {
        error_text("usage: cp FROM TO\n");
        return 2;
    }
    if (!target(argv[1], argv[2], path))
        return fail(argv[2], ERROR_BAD_NAME);
    int input = open(argv[1], OPEN_READ);
    if (input < 0)
        return fail(argv[1], input);
    /* Reading first finds out that it is a directory before anything is made. */
    int error = read(input, NULL, 0);
    if (error < 0)
        return fail(argv[1], error);
    int output = open(path, OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE);
    if (output < 0)
        return fail(path, output);
    return copy(argv[1], input, path, output);
}
