/*
 * sleep SECONDS: do nothing for a while.
 */
#include "cms.h"

int main(int argc, char **argv)
{
    uint32_t seconds = number_argument(argc, argv, 1, 1);
    for (; seconds > 0; seconds--)
        sleep(1000);
    return 0;
}
