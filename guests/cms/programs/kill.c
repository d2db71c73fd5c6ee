/*
 * kill NUMBER...: end processes.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    int result = 0;
    if (argc == 1) {
        error_text("usage: kill NUMBER...\n");
        return 2;
    }
    for (int index = 1; index < argc; index++) {
        int error = kill((int)number_argument(argc, argv, index, 0));
        if (error < 0)
            result = fail(argv[index], error);
    }
    return result;
}
