/*
 * rm PATH...: remove files and empty directories.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    int result = 0;
    if (argc == 1) {
        error_text("usage: rm PATH...\n");
        return 2;
    }
    for (int index = 1; index < argc; index++) {
        int error = remove(argv[index]);
        if (error < 0)
            result = fail(argv[index], error);
    }
    return result;
}
