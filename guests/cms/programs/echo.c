/*
 * echo [WORD...]: print the words.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    for (int index = 1; index < argc; index++)
        printf(index + 1 < argc ? "%s " : "%s", argv[index]);
    put_character('\n');
    return 0;
}
