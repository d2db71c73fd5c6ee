/*
 * mkdir PATH...: make directories.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    int result = 0;
    if (argc == 1) {
        error_text("usage: mkdir PATH...\n");
        return 2;
    }
    for (int index = 1; index < argc; index++) {
        int error = make_directory(argv[index]);
        if (error < 0)
            result = fail(argv[index], error);
    }
    return result;
}
