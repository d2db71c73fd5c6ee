/*
 * cat [FILE...]: print files one after the other; without any, what is typed until
 * Ctrl-D on an empty line.
 */
#include "cms.h"

static int copy(const char *name, int file)
{
    static char buffer[4096];
    int count;
    while ((count = read(file, buffer, sizeof buffer)) > 0) {
        int written = write(1, buffer, (uint32_t)count);
        if (written < count)
            return fail("output", written < 0 ? written : ERROR_NO_SPACE);
    }
    return count < 0 ? fail(name, count) : 0;
}

int main(int argc, char **argv)
{
    int result = 0;
    if (argc == 1)
        return copy("input", 0);
    for (int index = 1; index < argc; index++) {
        int file = open(argv[index], OPEN_READ);
        if (file < 0) {
            result = fail(argv[index], file);
            continue;
        }
        result |= copy(argv[index], file);
        close(file);
    }
    return result;
}
