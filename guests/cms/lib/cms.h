/*
 * What programs for cms are written against: the system calls as functions, and
 * a small C library. Functions that can fail return a negative error number.
 */
#ifndef CMS_CMS_H
#define CMS_CMS_H

#include "string.h"
#include "system_calls.h"

/* ---- processes ---- */

void exit(int status) __attribute__((noreturn));

/*
 * Start the program in the file `path` with the texts in `arguments`, up to a
 * NULL. Its descriptors 0 and 1 are our `input` and `output`. Its number.
 */
int spawn(const char *path, const char *const *arguments, int input, int output);

/* Wait for child `process` (0 = any) to end. Its number; `status` may be NULL. */
int wait(int process, uint32_t *status);
int kill(int process);
int process_number(void);
int yield(void);

/* CPU seconds for each program started from here on; 0 = no limit. The old limit. */
int limit(uint32_t seconds);

/* 0 for every index up to the table's size; see struct process_status. */
int process_status(int index, struct process_status *status);
void halt(void) __attribute__((noreturn));

/* ---- time ---- */

int sleep(uint32_t milliseconds);
int time(struct time *now);

/* Milliseconds since an arbitrary moment, modulo 2**32. */
uint32_t milliseconds(void);

/* ---- memory ---- */

/* Move the heap's end by `change` bytes; where it was, or an error (negative). */
int grow_heap(int change);

/* Make whole pages of the heap or of data read-only or writable. */
int protect(void *start, uint32_t length, bool writable);
int memory_status(struct memory_status *status);
void *malloc(size_t size);
void free(void *memory);

/* ---- files ---- */

int open(const char *path, int flags);
int close(int file);
int read(int file, void *to, uint32_t length);
int write(int file, const void *from, uint32_t length);
int seek(int file, uint32_t offset);

/* 1 with the next entry of an open directory, 0 after the last. */
int read_directory(int file, struct directory_entry *entry);
int status(const char *path, struct file_status *status);
int remove(const char *path);
int rename(const char *from, const char *to);
int make_directory(const char *path);
int change_directory(const char *path);
int working_directory(char *path); /* PATH_LIMIT + 1 bytes */
int drive_status(int index, struct drive_status *status);
int format_drive(const char *drive);

/* One key from the console, without echo. */
int read_key(void);

/* ---- output to descriptor 1, buffered until flush(), exit or a full buffer ---- */

void put_character(char character);
void put_text(const char *text);
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void flush(void);

/* The same to descriptor 2, at once. */
void error_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- texts ---- */

/* What an error number, positive or negative, means. */
const char *error_name(int error);

/* Print "subject: what the error means", and return 1. */
int fail(const char *subject, int error);

/* Read a decimal or 0x number that is the whole of `text`. */
bool parse_number(const char *text, uint32_t *number);

/* argv[index] as a number, or `otherwise` if there is none; exits if it is wrong. */
uint32_t number_argument(int argc, char **argv, int index, uint32_t otherwise);

/* The same for a program whose only argument is a number; exits if there are more. */
uint32_t only_argument(int argc, char **argv, uint32_t otherwise);

/* Calendar date and time from seconds since 1970. */
struct date {
    uint32_t year, month, day, hour, minute, second;
};
void date_of(uint32_t seconds, struct date *date);

/* One step of a checksum: start with 0 and feed words. */
uint32_t checksum_add(uint32_t checksum, uint32_t word);

#endif
