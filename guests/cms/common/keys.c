/*
 * Keys out of characters. Terminals differ in what they send for the same key:
 * Home is ESC [ H (xterm), ESC O H (the same, in its other mode), ESC [ 1 ~ (the
 * Linux console, tmux, PuTTY) or ESC [ 7 ~ (rxvt). So whole sequences are read as
 * ECMA-48 builds them (section 5.4: numbers, then a final character), and those
 * without a meaning here are swallowed whole.
 */
#include "keys.h"

#define ESCAPE 0x1b
#define BELL 0x07
#define LARGEST 999

enum { BETWEEN, ESCAPED, STARTED, NUMBERS, SKIPPING, TEXT, TEXT_ESCAPED };

/* "ESC [ `number` ~", or another end in rxvt where Shift or Ctrl is held down. */
static int numbered_key(uint32_t number)
{
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 4:
    case 8:
        return KEY_END;
    case 3:
        return KEY_DELETE;
    default:
        return KEY_NONE;
    }
}

static int finished_key(const struct key_sequence *sequence, int final)
{
    /* "ESC [ 1 ; 5 C": Ctrl is held down; some terminals leave out the 1. */
    bool by_word = sequence->numbers[sequence->field > 0] > 2;
    if (sequence->private)
        return KEY_NONE;
    switch (final) {
    case 'A':
    case 'a':
        return KEY_UP;
    case 'B':
    case 'b':
        return KEY_DOWN;
    case 'C':
        return by_word ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'c':
        return KEY_WORD_RIGHT;
    case 'D':
        return by_word ? KEY_WORD_LEFT : KEY_LEFT;
    case 'd':
        return KEY_WORD_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    case '~':
    case '^':
    case '$':
    case '@':
        return numbered_key(sequence->numbers[0]);
    default:
        return KEY_NONE;
    }
}

/* The character behind ESC. */
static int second(struct key_sequence *sequence, int character)
{
    switch (character) {
    case '[':
    case 'O':
        *sequence = (struct key_sequence){.state = character == '[' ? STARTED : NUMBERS};
        return KEY_NONE;
    case 'P':
    case 'X':
    case ']':
    case '^':
    case '_':
        sequence->state = TEXT;
        return KEY_NONE;
    }
    /* Alt and a key. */
    sequence->state = BETWEEN;
    switch (character) {
    case 'b':
        return KEY_WORD_LEFT;
    case 'f':
        return KEY_WORD_RIGHT;
    case RUBOUT:
        return KEY_ERASE_WORD;
    default:
        return KEY_NONE;
    }
}

static int continued(struct key_sequence *sequence, int character)
{
    bool first = sequence->state == STARTED;
    sequence->state = NUMBERS;
    if (first && (character == '[' || character == 'M')) {
        /* "ESC [ [ A" is a function key of the Linux console, "ESC [ M" and three a mouse. */
        sequence->state = SKIPPING;
        sequence->skip = character == '[' ? 1 : 3;
    } else if (character >= '0' && character <= '9') {
        uint16_t *number = &sequence->numbers[sequence->field > 0];
        if (*number <= LARGEST)
            *number = (uint16_t)(*number * 10 + character - '0');
    } else if (character == ';' || character == ':') {
        if (sequence->field++ > 0)
            sequence->field = 2;
    } else if (character >= '<' && character <= '?') {
        sequence->private = true;
    } else if (character >= '@' || character == '$') {
        sequence->state = BETWEEN;
        return finished_key(sequence, character);
    }
    return KEY_NONE;
}

int key_typed(struct key_sequence *sequence, int character)
{
    uint32_t state = sequence->state;
    if (character == ESCAPE) {
        sequence->state = state == TEXT ? TEXT_ESCAPED : ESCAPED;
        return KEY_NONE;
    }
    if (character < ' ') {
        /* A control character, or an error: no sequence has one, this one was none. */
        sequence->state = BETWEEN;
        return state == TEXT && character == BELL ? KEY_NONE : character;
    }
    switch (state) {
    case BETWEEN:
        return character;
    case ESCAPED:
        return second(sequence, character);
    case SKIPPING:
        if (--sequence->skip == 0)
            sequence->state = BETWEEN;
        return KEY_NONE;
    case TEXT:
        return KEY_NONE;
    case TEXT_ESCAPED:
        if (character != '\\')
            return second(sequence, character);
        sequence->state = BETWEEN;
        return KEY_NONE;
    default:
        return continued(sequence, character);
    }
}
