/*
 * hog: compute for ever, until Ctrl-C or the limit of CPU time ends it.
 */
#include "cms.h"

int main(void)
{
    for (volatile uint32_t turns = 0;; turns++)
        ;
}
