/*
 * The emufs device. A request is a handle, an offset and a length in registers
 * with data or a path in the buffer; writing the operation starts it, and an
 * interrupt says that it is over.
 */
#include "emufs.h"
#include "bus.h"
#include "process.h"
#include "string.h"

#define EMUFS_HANDLE 0x00
#define EMUFS_OFFSET 0x04
#define EMUFS_LENGTH 0x08
#define EMUFS_OPERATION 0x0c
#define EMUFS_RESULT 0x10

enum operation {
    OPERATION_OPEN = 1,
    OPERATION_CREATE = 2,
    OPERATION_CLOSE = 4,
    OPERATION_READ = 5,
    OPERATION_READ_DIRECTORY = 6,
    OPERATION_WRITE = 7,
    OPERATION_SIZE = 8,
    OPERATION_TRUNCATE = 9,
};

#define RESULT_SUCCESS 1
#define ROOT_HANDLE 0

/* What the device's results mean, from 0 on. */
static const uint8_t errors[] = {
    ERROR_INPUT_OUTPUT,   0,
    ERROR_BAD_DESCRIPTOR, ERROR_NOT_SUPPORTED,
    ERROR_NOT_FOUND,      ERROR_BAD_ARGUMENT,
    ERROR_EXISTS,         ERROR_IS_DIRECTORY,
    ERROR_INPUT_OUTPUT,   ERROR_TOO_MANY,
    ERROR_NO_SPACE,       ERROR_NOT_DIRECTORY,
    ERROR_INPUT_OUTPUT,   ERROR_NOT_SUPPORTED,
};

static uint32_t emufs_slot;
static bool present;
static uint32_t result;

bool emufs_start(uint32_t slot)
{
    if (present)
        return false;
    emufs_slot = slot;
    present = true;
    return true;
}

bool emufs_present(void)
{
    return present;
}

void emufs_interrupt(void)
{
    result = device_read(emufs_slot, EMUFS_RESULT);
    device_write(emufs_slot, EMUFS_RESULT, 0);
    process_wake(&result);
}

static int request(enum operation operation, uint32_t handle, uint32_t offset, uint32_t length)
{
    result = 0;
    device_write(emufs_slot, EMUFS_HANDLE, handle);
    device_write(emufs_slot, EMUFS_OFFSET, offset);
    device_write(emufs_slot, EMUFS_LENGTH, length);
    device_write(emufs_slot, EMUFS_OPERATION, operation);
    while (result == 0)
        process_sleep(&result);
    if (result == RESULT_SUCCESS)
        return 0;
    return result < COUNT_OF(errors) ? -errors[result] : -ERROR_INPUT_OUTPUT;
}

/* How many bytes the device says that it has moved, which it must not exceed. */
static int moved(uint32_t most)
{
    uint32_t length = device_read(emufs_slot, EMUFS_LENGTH);
    return (int)(length < most ? length : most);
}

int emufs_open(const char *path, bool create, bool *is_directory)
{
    *is_directory = true;
    if (*path == '\0')
        return ROOT_HANDLE;
    device_buffer_write(emufs_slot, path, strlen(path));
    int error = request(create ? OPERATION_CREATE : OPERATION_OPEN, ROOT_HANDLE, 0, strlen(path));
    if (error < 0)
        return error;
    *is_directory = device_read(emufs_slot, EMUFS_LENGTH) != 0;
    return (int)(device_read(emufs_slot, EMUFS_HANDLE) & 0x7fffffff);
}

void emufs_close(uint32_t handle)
{
    if (handle != ROOT_HANDLE)
        request(OPERATION_CLOSE, handle, 0, 0);
}

int emufs_read(uint32_t handle, uint32_t offset, void *to, uint32_t length)
{
    int error = request(OPERATION_READ, handle, offset, length);
    if (error < 0)
        return error;
    int count = moved(length);
    device_buffer_read(emufs_slot, to, (uint32_t)count);
    return count;
}

int emufs_write(uint32_t handle, uint32_t offset, const void *from, uint32_t length)
{
    device_buffer_write(emufs_slot, from, length);
    int error = request(OPERATION_WRITE, handle, offset, length);
    return error < 0 ? error : moved(length);
}

int emufs_read_directory(uint32_t handle, uint32_t index, char *name, uint32_t size)
{
    int error = request(OPERATION_READ_DIRECTORY, handle, index, size - 1);
    if (error < 0)
        return error;
    int length = moved(size - 1);
    device_buffer_read(emufs_slot, name, (uint32_t)length);
    name[length] = '\0';
    return length;
}

int emufs_size(uint32_t handle, uint32_t *size)
{
    int error = request(OPERATION_SIZE, handle, 0, 0);
    *size = device_read(emufs_slot, EMUFS_LENGTH);
    return error;
}

int emufs_truncate(uint32_t handle, uint32_t size)
{
    return request(OPERATION_TRUNCATE, handle, 0, size);
}
