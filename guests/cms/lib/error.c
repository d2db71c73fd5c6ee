/*
 * What error numbers mean, in words.
 */
#include "cms.h"

static const char *const names[ERROR_COUNT] = {
    [0] = "no error",
    [ERROR_NOT_FOUND] = "no such file or directory",
    [ERROR_EXISTS] = "exists already",
    [ERROR_NOT_DIRECTORY] = "not a directory",
    [ERROR_IS_DIRECTORY] = "is a directory",
    [ERROR_NOT_EMPTY] = "directory is not empty",
    [ERROR_NO_SPACE] = "no space is left on the drive",
    [ERROR_READ_ONLY] = "the drive is read-only",
    [ERROR_DAMAGED] = "the file system is damaged",
    [ERROR_BAD_NAME] = "not a valid name",
    [ERROR_BAD_DESCRIPTOR] = "not an open file of that kind",
    [ERROR_BAD_ADDRESS] = "not an address of this program",
    [ERROR_BAD_ARGUMENT] = "not a valid argument",
    [ERROR_NO_MEMORY] = "no memory is left",
    [ERROR_TOO_MANY] = "too many open files or processes",
    [ERROR_NOT_SUPPORTED] = "the drive cannot do that",
    [ERROR_NO_DRIVE] = "no such drive",
    [ERROR_NOT_FORMATTED] = "no file system on the drive (make one with: format a:)",
    [ERROR_INPUT_OUTPUT] = "the device failed",
    [ERROR_NOT_PROGRAM] = "not a program",
    [ERROR_NO_PROCESS] = "no such process",
    [ERROR_INTERRUPTED] = "interrupted",
    [ERROR_TOO_BIG] = "too big",
    [ERROR_BUSY] = "in use",
};

const char *error_name(int error)
{
    uint32_t number = (uint32_t)(error < 0 ? -error : error);
    return number < ERROR_COUNT ? names[number] : "unknown error";
}

int fail(const char *subject, int error)
{
    error_text("%s: %s\n", subject, error_name(error));
    return 1;
}
