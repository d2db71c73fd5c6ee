/*
 * format DRIVE: make an empty file system, for example with: format a:
 */
#include "cms.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        error_text("usage: format DRIVE (all that is on it is lost)\n");
        return 2;
    }
    int error = format_drive(argv[1]);
    if (error == -ERROR_BUSY || error == -ERROR_BAD_ARGUMENT)
        error_text("format: name a drive on which no file is open, for example a:\n");
    else if (error < 0)
        fail(argv[1], error);
    return error < 0 ? 1 : 0;
}
