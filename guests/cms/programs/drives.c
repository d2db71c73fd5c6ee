/*
 * drives: where files can be, and how much room there is.
 */
#include "cms.h"

int main(void)
{
    struct drive_status drive;
    for (int index = 0; drive_status(index, &drive) == 0; index++) {
        printf("%s:  ", drive.name);
        if (drive.ready != 0)
            printf("%s\n", error_name((int)drive.ready));
        else if (drive.total_blocks == 0)
            printf("a directory of the host\n");
        else
            printf("%u kB, %u kB free%s\n", drive.total_blocks / 2, drive.free_blocks / 2,
                   drive.writable ? "" : ", read-only");
    }
    return 0;
}
