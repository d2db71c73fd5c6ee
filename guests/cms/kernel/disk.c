/*
 * The disk device: one sector at a time through its buffer, with an interrupt
 * when it is done.
 */
#include "disk.h"
#include "bus.h"
#include "process.h"

#define DISK_SECTORS 0x00
#define DISK_STATUS 0x04
#define DISK_SECTOR 0x08

#define STATUS_IDLE 0
#define STATUS_BUSY 1
#define STATUS_WRITE 2
#define STATUS_DONE 4
#define STATUS_ERRORS (8 | 16)

#define SECTOR_SIZE 512

static uint32_t disk_slot;
static uint32_t sector_count;
static uint32_t last_status;

bool disk_start(uint32_t slot)
{
    if (sector_count != 0)
        return false;
    disk_slot = slot;
    sector_count = device_read(slot, DISK_SECTORS);
    return true;
}

void disk_interrupt(void)
{
    uint32_t status = device_read(disk_slot, DISK_STATUS);
    if (!(status & STATUS_DONE))
        return;
    last_status = status;
    device_write(disk_slot, DISK_STATUS, STATUS_IDLE);
    process_wake(&last_status);
}

uint32_t disk_sectors(void)
{
    return sector_count;
}

static int transfer(uint32_t sector, uint32_t command)
{
    last_status = 0;
    device_write(disk_slot, DISK_SECTOR, sector);
    device_write(disk_slot, DISK_STATUS, command);
    while (!(last_status & STATUS_DONE))
        process_sleep(&last_status);
    return last_status & STATUS_ERRORS ? -ERROR_INPUT_OUTPUT : 0;
}

int disk_read(uint32_t sector, void *to)
{
    int error = transfer(sector, STATUS_BUSY);
    if (error == 0)
        device_buffer_read(disk_slot, to, SECTOR_SIZE);
    return error;
}

int disk_write(uint32_t sector, const void *from)
{
    device_buffer_write(disk_slot, from, SECTOR_SIZE);
    return transfer(sector, STATUS_BUSY | STATUS_WRITE);
}
