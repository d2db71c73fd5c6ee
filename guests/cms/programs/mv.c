/*
 * mv FROM TO: give a file or directory another name on the same drive.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        error_text("usage: mv FROM TO\n");
        return 2;
    }
    int error = rename(argv[1], argv[2]);
    return error < 0 ? fail(argv[1], error) : 0;
}
