/*
 * The disk device: sectors of 512 bytes. Only one process at a time may use it;
 * the file layer sees to that.
 */
#ifndef CMS_DISK_H
#define CMS_DISK_H

#include "types.h"

/* Take the disk in `slot`; false if there is one already. */
bool disk_start(uint32_t slot);
void disk_interrupt(void);

/* How many sectors the disk has; 0 if there is none. */
uint32_t disk_sectors(void);

/* Move one sector, asleep until it is done. 0 or -ERROR_INPUT_OUTPUT. */
int disk_read(uint32_t sector, void *to);
int disk_write(uint32_t sector, const void *from);

#endif
