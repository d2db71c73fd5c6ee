/*
 * Ordinary application code, in the manner of Dhrystone: a linked list of
 * records, strings compared and copied, many small calls, calls by pointer.
 */
#include "benchmark.h"

#define RECORDS 64
#define NAME_SIZE 28
#define TRANSACTIONS 180

/* Keep calls calls, whatever a compiler thinks of the function's size. */
#define NEVER_INLINE __attribute__((noinline))

const char program_name[] = "records";

enum kind { PERSON, PLACE, THING, KINDS };

struct record {
    struct record *next;
    enum kind kind;
    word key;
    int balance;
    char name[NAME_SIZE];
};

static struct record records[RECORDS];
static struct record *first;

static NEVER_INLINE int compare_strings(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return (byte)*left - (byte)*right;
}

static NEVER_INLINE void copy_string(char *target, const char *source)
{
    while ((*target++ = *source++))
        ;
}

static NEVER_INLINE void name_record(struct record *record, word key)
{
    /* A long common beginning, so that comparing takes its time. */
    copy_string(record->name, "RECORD NUMBER 000");
    for (int position = 16; position > 13; position--) {
        record->name[position] = '0' + key % 10;
        key /= 10;
    }
}

static NEVER_INLINE int post_person(struct record *record, int amount)
{
    record->balance += amount;
    return record->balance;
}

static NEVER_INLINE int post_place(struct record *record, int amount)
{
    record->balance -= amount >> 1;
    return record->balance ^ amount;
}

static NEVER_INLINE int post_thing(struct record *record, int amount)
{
    record->balance = (record->balance + amount) / 3;
    return record->balance * 5;
}

static int (*const post[KINDS])(struct record *, int) = { post_person, post_place, post_thing };

static NEVER_INLINE struct record *find(const char *name)
{
    struct record *record = first;

    while (record && compare_strings(record->name, name) != 0)
        record = record->next;
    return record;
}

static void prepare(void)
{
    first = 0;
    for (word key = 0; key < RECORDS; key++) {
        struct record *record = &records[key];
        record->next = first;
        record->kind = key % KINDS;
        record->key = key;
        record->balance = key * 100;
        name_record(record, key);
        first = record;
    }
}

/* Look one record up by name, copy it, post to it, and move it to the list's front. */
static NEVER_INLINE word transaction(word key, int amount)
{
    struct record wanted;
    struct record *record;
    struct record **link = &first;

    name_record(&wanted, key);
    record = find(wanted.name);
    if (!record)
        return 0;
    wanted = *record;
    while (*link != record)
        link = &(*link)->next;
    *link = record->next;
    record->next = first;
    first = record;
    return post[wanted.kind](record, amount) + wanted.key;
}

word run(word rounds)
{
    word checksum = 0;
    word random = 1;

    prepare();
    for (word count = 0; count < rounds * TRANSACTIONS; count++) {
        random = next_random(random);
        checksum = mix(checksum, transaction(random >> 24 & (RECORDS - 1), random >> 8 & 0xfff));
    }
    return checksum;
}
