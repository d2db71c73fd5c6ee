/*
 * Keys that terminals send as several characters. Shared by the kernel and the
 * user library.
 */
#ifndef CMS_KEYS_H
#define CMS_KEYS_H

#include "types.h"

#define CONTROL(letter) ((letter) - '@')
#define RUBOUT 0x7f

/* Beside characters and errors, which are negative. */
enum {
    KEY_NONE = 0x100, /* nothing yet, or a key without a meaning here */
    KEY_UP,
    KEY_DOWN,
    KEY_RIGHT,
    KEY_LEFT,
    KEY_HOME,
    KEY_END,
    KEY_DELETE,
    KEY_WORD_RIGHT,
    KEY_WORD_LEFT,
    KEY_ERASE_WORD,
};

/* What has come of a sequence; all zeros where none has begun. */
struct key_sequence {
    uint8_t state;
    uint8_t skip;     /* characters of no interest that are still to come */
    uint8_t field;    /* which number of the sequence is being read */
    bool private;     /* its numbers are not those of keys */
    uint16_t numbers[2];
};

/* The key that `character`, or an error, completes; KEY_NONE while more has to come. */
int key_typed(struct key_sequence *sequence, int character);

#endif
