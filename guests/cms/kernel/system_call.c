/*
 * System calls. Each is a function of the four argument registers that returns
 * 0 or more, or an error; everything a program says is checked here or below.
 */
#include "system_call.h"
#include "bus.h"
#include "clock.h"
#include "console.h"
#include "file.h"
#include "memory.h"
#include "process.h"
#include "string.h"

#define REGISTER_V0 2
#define REGISTER_A0 4
#define REGISTER_A3 7

#define EXIT_STATUS_MASK 0xff

/* Arguments of a new process, all texts together. */
#define ARGUMENTS_SIZE 2048
#define ARGUMENT_COUNT_LIMIT 64

typedef int (*handler)(const uint32_t *arguments);

static int to_user(uint32_t address, const void *from, uint32_t size)
{
    return copy_to_user(&current->space, address, from, size);
}

static int get_path(char *path, uint32_t address)
{
    int error = copy_text_from_user(&current->space, path, address, PATH_LIMIT + 1);
    return error == -ERROR_TOO_BIG ? -ERROR_BAD_NAME : error;
}

static struct open_file *descriptor(uint32_t number)
{
    return number < DESCRIPTOR_LIMIT ? current->files[number] : NULL;
}

/* ---- processes ---- */

static int call_exit(const uint32_t *arguments)
{
    process_exit(arguments[0] & EXIT_STATUS_MASK);
}

/* Gather the texts that the array at `array` points to. Their size or an error. */
static int get_arguments(uint32_t array, char *texts, uint32_t *count)
{
    uint32_t size = 0;
    for (*count = 0; *count < ARGUMENT_COUNT_LIMIT; ++*count) {
        uint32_t text;
        int error = copy_from_user(&current->space, &text, array + *count * 4, sizeof text);
        if (error < 0)
            return error;
        if (text == 0)
            return (int)size;
        error = copy_text_from_user(&current->space, texts + size, text, ARGUMENTS_SIZE - size);
        if (error < 0)
            return error;
        size += strlen(texts + size) + 1;
    }
    return -ERROR_TOO_BIG;
}

static int call_spawn(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    uint32_t count;
    struct open_file *input = descriptor(arguments[2]), *output = descriptor(arguments[3]);
    if (input == NULL || output == NULL)
        return -ERROR_BAD_DESCRIPTOR;
    int result = get_path(path, arguments[0]);
    if (result < 0)
        return result;
    /* Too much for the kernel stack: a page of its own for the time being. */
    char *texts = page_allocate();
    if (texts == NULL)
        return -ERROR_NO_MEMORY;
    result = get_arguments(arguments[1], texts, &count);
    if (result >= 0)
        result = process_spawn(path, texts, (uint32_t)result, count, input, output);
    page_free(texts);
    return result;
}

static int call_wait(const uint32_t *arguments)
{
    uint32_t status;
    int number = process_wait(arguments[0], &status);
    if (number < 0 || arguments[1] == 0)
        return number;
    int error = to_user(arguments[1], &status, sizeof status);
    return error < 0 ? error : number;
}

static int call_kill(const uint32_t *arguments)
{
    return process_kill(arguments[0]);
}

static int call_process_number(const uint32_t *arguments)
{
    (void)arguments;
    return (int)current->number;
}

static int call_yield(const uint32_t *arguments)
{
    (void)arguments;
    process_yield();
    return 0;
}

static int call_limit(const uint32_t *arguments)
{
    int seconds = (int)(current->child_tick_limit / TICKS_PER_SECOND);
    if (arguments[0] == LIMIT_QUERY)
        return seconds;
    if (arguments[0] > LIMIT_MAXIMUM)
        return -ERROR_BAD_ARGUMENT;
    current->child_tick_limit = arguments[0] * TICKS_PER_SECOND;
    return seconds;
}

static int call_process_status(const uint32_t *arguments)
{
    struct process_status status;
    int error = process_status(arguments[0], &status);
    return error < 0 ? error : to_user(arguments[1], &status, sizeof status);
}

static int call_halt(const uint32_t *arguments)
{
    (void)arguments;
    console_drain();
    bus_power_off();
}

/* ---- time ---- */

static int call_sleep(const uint32_t *arguments)
{
    return process_sleep_until(clock_now() + (uint64_t)arguments[0] * 1000000u);
}

static int call_time(const uint32_t *arguments)
{
    struct time time;
    clock_read(&time.seconds, &time.nanoseconds);
    return to_user(arguments[0], &time, sizeof time);
}

/* ---- memory ---- */

static int call_grow_heap(const uint32_t *arguments)
{
    uint32_t end = current->space.areas[AREA_HEAP].end;
    int error = heap_resize(&current->space, end + arguments[0]);
    return error < 0 ? error : (int)end;
}

static int call_protect(const uint32_t *arguments)
{
    return area_protect(&current->space, arguments[0], arguments[1], arguments[2] != 0);
}

static int call_memory_status(const uint32_t *arguments)
{
    struct memory_status status = {
        .total_pages = pages_total(),
        .free_pages = pages_free(),
        .process_pages = current->space.pages,
        .zero_faults = zero_faults,
        .modified_faults = modified_faults,
    };
    return to_user(arguments[0], &status, sizeof status);
}

/* ---- files ---- */

static int call_open(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    uint32_t number = 0;
    while (number < DESCRIPTOR_LIMIT && current->files[number] != NULL)
        number++;
    if (number == DESCRIPTOR_LIMIT)
        return -ERROR_TOO_MANY;
    int error = get_path(path, arguments[0]);
    if (error == 0)
        error = file_open(current->directory, path, arguments[1], &current->files[number]);
    return error < 0 ? error : (int)number;
}

static int call_close(const uint32_t *arguments)
{
    struct open_file *file = descriptor(arguments[0]);
    if (file == NULL)
        return -ERROR_BAD_DESCRIPTOR;
    current->files[arguments[0]] = NULL;
    file_close(file);
    return 0;
}

static int call_read(const uint32_t *arguments)
{
    struct open_file *file = descriptor(arguments[0]);
    if (file == NULL)
        return -ERROR_BAD_DESCRIPTOR;
    return file_read(file, &current->space, arguments[1], arguments[2]);
}

static int call_write(const uint32_t *arguments)
{
    struct open_file *file = descriptor(arguments[0]);
    if (file == NULL)
        return -ERROR_BAD_DESCRIPTOR;
    return file_write(file, &current->space, arguments[1], arguments[2]);
}

static int call_seek(const uint32_t *arguments)
{
    struct open_file *file = descriptor(arguments[0]);
    return file == NULL ? -ERROR_BAD_DESCRIPTOR : file_seek(file, arguments[1]);
}

static int call_read_directory(const uint32_t *arguments)
{
    struct open_file *file = descriptor(arguments[0]);
    struct directory_entry entry;
    if (file == NULL)
        return -ERROR_BAD_DESCRIPTOR;
    int result = file_next_entry(file, &entry);
    if (result <= 0)
        return result;
    int error = to_user(arguments[1], &entry, sizeof entry);
    return error < 0 ? error : result;
}

static int call_status(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    struct file_status status;
    int error = get_path(path, arguments[0]);
    if (error == 0)
        error = path_status(current->directory, path, &status);
    return error < 0 ? error : to_user(arguments[1], &status, sizeof status);
}

static int call_remove(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    int error = get_path(path, arguments[0]);
    return error < 0 ? error : path_remove(current->directory, path);
}

static int call_rename(const uint32_t *arguments)
{
    char from[PATH_LIMIT + 1], to[PATH_LIMIT + 1];
    int error = get_path(from, arguments[0]);
    if (error == 0)
        error = get_path(to, arguments[1]);
    return error < 0 ? error : path_rename(current->directory, from, to);
}

static int call_make_directory(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    int error = get_path(path, arguments[0]);
    return error < 0 ? error : path_make_directory(current->directory, path);
}

static int call_change_directory(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    int error = get_path(path, arguments[0]);
    return error < 0 ? error : path_directory(current->directory, path, current->directory);
}

static int call_working_directory(const uint32_t *arguments)
{
    return to_user(arguments[0], current->directory, strlen(current->directory) + 1);
}

static int call_read_key(const uint32_t *arguments)
{
    (void)arguments;
    return console_read_key();
}

static int call_drive_status(const uint32_t *arguments)
{
    struct drive_status status;
    int error = drive_status(arguments[0], &status);
    return error < 0 ? error : to_user(arguments[1], &status, sizeof status);
}

static int call_format(const uint32_t *arguments)
{
    char path[PATH_LIMIT + 1];
    int error = get_path(path, arguments[0]);
    return error < 0 ? error : drive_format(current->directory, path);
}

static const handler handlers[] = {
    [SYSTEM_EXIT] = call_exit,
    [SYSTEM_SPAWN] = call_spawn,
    [SYSTEM_WAIT] = call_wait,
    [SYSTEM_KILL] = call_kill,
    [SYSTEM_PROCESS_NUMBER] = call_process_number,
    [SYSTEM_YIELD] = call_yield,
    [SYSTEM_SLEEP] = call_sleep,
    [SYSTEM_TIME] = call_time,
    [SYSTEM_LIMIT] = call_limit,
    [SYSTEM_GROW_HEAP] = call_grow_heap,
    [SYSTEM_PROTECT] = call_protect,
    [SYSTEM_MEMORY_STATUS] = call_memory_status,
    [SYSTEM_PROCESS_STATUS] = call_process_status,
    [SYSTEM_HALT] = call_halt,
    [SYSTEM_OPEN] = call_open,
    [SYSTEM_CLOSE] = call_close,
    [SYSTEM_READ] = call_read,
    [SYSTEM_WRITE] = call_write,
    [SYSTEM_SEEK] = call_seek,
    [SYSTEM_READ_DIRECTORY] = call_read_directory,
    [SYSTEM_STATUS] = call_status,
    [SYSTEM_REMOVE] = call_remove,
    [SYSTEM_RENAME] = call_rename,
    [SYSTEM_MAKE_DIRECTORY] = call_make_directory,
    [SYSTEM_CHANGE_DIRECTORY] = call_change_directory,
    [SYSTEM_WORKING_DIRECTORY] = call_working_directory,
    [SYSTEM_READ_KEY] = call_read_key,
    [SYSTEM_DRIVE_STATUS] = call_drive_status,
    [SYSTEM_FORMAT] = call_format,
};

void system_call(struct trap_frame *frame)
{
    uint32_t number = frame->registers[REGISTER_V0];
    int result = -ERROR_NOT_SUPPORTED;
    if (number < COUNT_OF(handlers) && handlers[number] != NULL)
        result = handlers[number](&frame->registers[REGISTER_A0]);
    frame->registers[REGISTER_V0] = (uint32_t)(result < 0 ? -1 : result);
    frame->registers[REGISTER_A3] = (uint32_t)(result < 0 ? -result : 0);
}
