/*
 * The console. Output waits in a ring that the serial line's interrupts empty,
 * a character each; input collects in another ring until somebody reads. Lines
 * are edited by the process that reads them, so what is typed ahead is echoed
 * only when it is read.
 */
#include "console.h"
#include "bus.h"
#include "format.h"
#include "keys.h"
#include "process.h"

#define SERIAL_CHARACTER 0x00
#define SERIAL_WRITE_INTERRUPT 0x04
#define SERIAL_READ_INTERRUPT 0x08
#define INTERRUPT_ENABLE 1
#define INTERRUPT_READY 2

/* Both are powers of two, so that positions can run over. */
#define OUTPUT_SIZE 1024u
#define INPUT_SIZE 256u

static uint32_t serial_slot;
static bool present;

static char output[OUTPUT_SIZE];
static uint32_t output_written, output_sent;
static bool sending;
static uint32_t column;

static char input[INPUT_SIZE];
static uint32_t input_arrived, input_read;

void console_start(uint32_t slot)
{
    serial_slot = slot;
    present = true;
    device_write(slot, SERIAL_WRITE_INTERRUPT, INTERRUPT_ENABLE);
    device_write(slot, SERIAL_READ_INTERRUPT, INTERRUPT_ENABLE);
}

static void send_next(void)
{
    sending = output_sent != output_written;
    if (sending)
        device_write(serial_slot, SERIAL_CHARACTER, (uint8_t)output[output_sent++ % OUTPUT_SIZE]);
}

static void receive(char character)
{
    if (character == CONTROL('C') && process_interrupt_all()) {
        input_read = input_arrived;
        return;
    }
    if (input_arrived - input_read < INPUT_SIZE) {
        input[input_arrived++ % INPUT_SIZE] = character;
        process_wake(input);
    }
}

void console_interrupt(void)
{
    if (device_read(serial_slot, SERIAL_WRITE_INTERRUPT) & INTERRUPT_READY) {
        device_write(serial_slot, SERIAL_WRITE_INTERRUPT, INTERRUPT_ENABLE);
        send_next();
        /* Waking a writer for every character would cost more than the sending. */
        if (output_written - output_sent == OUTPUT_SIZE / 2)
            process_wake(output);
    }
    if (device_read(serial_slot, SERIAL_READ_INTERRUPT) & INTERRUPT_READY) {
        char character = (char)device_read(serial_slot, SERIAL_CHARACTER);
        device_write(serial_slot, SERIAL_READ_INTERRUPT, INTERRUPT_ENABLE);
        receive(character);
    }
}

static bool output_full(void)
{
    return output_written - output_sent == OUTPUT_SIZE;
}

static void put_character(char character)
{
    if (!present)
        return;
    output[output_written++ % OUTPUT_SIZE] = character;
    column = character == '\n' || character == '\r' ? 0 : column + 1;
    if (!sending)
        send_next();
}

static void put_waiting(char character, void *argument)
{
    (void)argument;
    while (output_full())
        bus_wait();
    put_character(character);
}

void print_values(const char *format, va_list values)
{
    format_text(put_waiting, NULL, format, values);
}

void print(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_values(format, values);
    va_end(values);
}

void print_fresh_line(void)
{
    if (column != 0)
        print("\n");
}

void console_drain(void)
{
    while (sending)
        bus_wait();
}

void panic(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_fresh_line();
    print("cms: panic: ");
    print_values(format, values);
    print("\n");
    va_end(values);
    console_drain();
    bus_power_off();
}

void console_write(const char *text, uint32_t length)
{
    for (; length > 0; length--) {
        while (output_full()) {
            if (current->ending)
                return;
            process_sleep(output);
        }
        put_character(*text++);
    }
}

int console_read_key(void)
{
    while (input_read == input_arrived) {
        if (current->ending)
            return -ERROR_INTERRUPTED;
        process_sleep(input);
    }
    return (uint8_t)input[input_read++ % INPUT_SIZE];
}

static void rub_out(uint32_t count)
{
    while (count-- > 0)
        console_write("\b \b", 3);
}

static uint32_t word_length(const char *line, uint32_t length)
{
    uint32_t start = length;
    while (start > 0 && line[start - 1] == ' ')
        start--;
    while (start > 0 && line[start - 1] != ' ')
        start--;
    return length - start;
}

int console_read_line(char *line, uint32_t size)
{
    struct key_sequence sequence = {0};
    uint32_t length = 0;
    for (;;) {
        int key = key_typed(&sequence, console_read_key());
        uint32_t erased = 0;
        if (key < 0)
            return key;
        if (key == '\r' || key == '\n') {
            console_write("\n", 1);
            line[length++] = '\n';
            return (int)length;
        }
        if (key == CONTROL('D')) {
            if (length == 0)
                return 0;
        } else if (key == '\b' || key == RUBOUT) {
            erased = length > 0;
        } else if (key == CONTROL('U')) {
            erased = length;
        } else if (key == CONTROL('W') || key == KEY_ERASE_WORD) {
            erased = word_length(line, length);
        } else if (key >= ' ' && key < KEY_NONE && length + 1 < size) {
            line[length++] = (char)key;
            console_write(&line[length - 1], 1);
        }
        length -= erased;
        rub_out(erased);
    }
}
