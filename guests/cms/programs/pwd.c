/*
 * pwd: the working directory.
 */
#include "cms.h"

int main(void)
{
    char path[PATH_LIMIT + 1];
    int error = working_directory(path);
    if (error < 0)
        return fail("pwd", error);
    printf("%s\n", path);
    return 0;
}
