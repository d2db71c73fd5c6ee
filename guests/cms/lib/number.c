/*
 * Numbers: as arguments, as dates, as checksums.
 */
#include "cms.h"

#define DAY 86400u

bool parse_number(const char *text, uint32_t *number)
{
    uint32_t base = 10, value = 0;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint32_t digit = 16;
        if (*text >= '0' && *text <= '9')
            digit = (uint32_t)(*text - '0');
        else if (*text >= 'a' && *text <= 'f')
            digit = (uint32_t)(*text - 'a') + 10;
        if (digit >= base || value > (0xffffffffu - digit) / base)
            return false;
        value = value * base + digit;
    }
    *number = value;
    return true;
}

uint32_t number_argument(int argc, char **argv, int index, uint32_t otherwise)
{
    uint32_t number = otherwise;
    if (index < argc && !parse_number(argv[index], &number)) {
        error_text("%s: %s is not a number\n", argv[0], argv[index]);
        exit(2);
    }
    return number;
}

uint32_t only_argument(int argc, char **argv, uint32_t otherwise)
{
    if (argc > 2) {
        error_text("usage: %s [N]\n", argv[0]);
        exit(2);
    }
    return number_argument(argc, argv, 1, otherwise);
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

void date_of(uint32_t seconds, struct date *date)
{
    uint32_t days = seconds / DAY;
    seconds %= DAY;
    date->hour = seconds / 3600;
    date->minute = seconds / 60 % 60;
    date->second = seconds % 60;
    for (date->year = 1970; days >= 365u + is_leap(date->year); date->year++)
        days -= 365u + is_leap(date->year);
    for (date->month = 1; days >= days_in(date->year, date->month); date->month++)
        days -= days_in(date->year, date->month);
    date->day = days + 1;
}

uint32_t milliseconds(void)
{
    struct time now;
    time(&now);
    return now.seconds * 1000 + now.nanoseconds / 1000000;
}

uint32_t checksum_add(uint32_t checksum, uint32_t word)
{
    return ((checksum << 5 | checksum >> 27) ^ word) * 0x9e3779b1u;
}
