/*
 * date: the date and time of the machine's clock, in UTC.
 */
#include "cms.h"

int main(void)
{
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    struct time now;
    struct date date;
    time(&now);
    date_of(now.seconds, &date);
    printf("%s %04u-%02u-%02u %02u:%02u:%02u UTC\n", days[now.seconds / 86400 % 7], date.year,
           date.month, date.day, date.hour, date.minute, date.second);
    return 0;
}
