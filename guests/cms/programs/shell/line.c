/*
 * Editing a line. Typing at the end just echoes; whatever else changes the line
 * redraws it. A line that is too long for the screen scrolls sideways, so that it
 * never wraps.
 */
#include "shell.h"
#include "keys.h"

#define HISTORY 16
#define VISIBLE 72 /* characters of the line that fit behind the prompt */

static char history[HISTORY][LINE_SIZE];
static uint32_t remembered;

static char *text;      /* the line being edited */
static uint32_t length; /* of it */
static uint32_t cursor; /* 0 to length */
static uint32_t shown;  /* the first character on the screen */

static bool is_visible(uint32_t place)
{
    return place >= shown && place <= shown + VISIBLE;
}

static void draw(void)
{
    if (!is_visible(cursor))
        shown = cursor < VISIBLE ? 0 : cursor - VISIBLE / 2;
    uint32_t end = length < shown + VISIBLE ? length : shown + VISIBLE;
    put_text("\r" PROMPT);
    for (uint32_t index = shown; index < end; index++)
        put_character(text[index]);
    put_text("\x1b[K");
    for (uint32_t index = cursor; index < end; index++)
        put_character('\b');
}

static void insert(char character)
{
    if (length == LINE_SIZE - 1)
        return;
    memmove(text + cursor + 1, text + cursor, length - cursor);
    text[cursor++] = character;
    length++;
    if (cursor == length && is_visible(cursor))
        put_character(character);
    else
        draw();
}

/* Remove the characters from `start` to before `end`; the cursor is at one of the two. */
static void erase(uint32_t start, uint32_t end)
{
    bool simple = start + 1 == cursor && cursor == length && start > shown;
    if (start >= end)
        return;
    memmove(text + start, text + end, length - end);
    length -= end - start;
    cursor = start;
    if (simple)
        put_text("\b \b");
    else
        draw();
}

static uint32_t start_of_word(void)
{
    uint32_t start = cursor;
    while (start > 0 && text[start - 1] == ' ')
        start--;
    while (start > 0 && text[start - 1] != ' ')
        start--;
    return start;
}

static uint32_t end_of_word(void)
{
    uint32_t end = cursor;
    while (end < length && text[end] == ' ')
        end++;
    while (end < length && text[end] != ' ')
        end++;
    return end;
}

static void remember(void)
{
    if (length == 0 || (remembered > 0 && strcmp(history[(remembered - 1) % HISTORY], text) == 0))
        return;
    copy_string(history[remembered++ % HISTORY], text, LINE_SIZE);
}

static void move_to(uint32_t place)
{
    uint32_t before = cursor;
    cursor = place;
    if (!is_visible(place)) {
        draw();
        return;
    }
    for (; before > place; before--)
        put_character('\b');
    for (; before < place; before++)
        put_character(text[before]);
}

/* Line `place` of the history; past the newest one, an empty line. */
static void recall(uint32_t place)
{
    copy_string(text, place < remembered ? history[place % HISTORY] : "", LINE_SIZE);
    length = strlen(text);
    cursor = length;
    draw();
}

/* Do what a key says that is not the end of the line; `*place` is in the history. */
static void edit(int key, uint32_t *place)
{
    uint32_t oldest = remembered > HISTORY ? remembered - HISTORY : 0;
    switch (key) {
    case '\b':
    case RUBOUT:
        erase(cursor > 0 ? cursor - 1 : 0, cursor);
        break;
    case CONTROL('D'):
    case KEY_DELETE:
        erase(cursor, cursor < length ? cursor + 1 : cursor);
        break;
    case CONTROL('U'):
        erase(0, cursor);
        break;
    case CONTROL('K'):
        erase(cursor, length);
        break;
    case CONTROL('W'):
    case KEY_ERASE_WORD:
        erase(start_of_word(), cursor);
        break;
    case CONTROL('A'):
    case KEY_HOME:
        move_to(0);
        break;
    case CONTROL('E'):
    case KEY_END:
        move_to(length);
        break;
    case CONTROL('B'):
    case KEY_LEFT:
        move_to(cursor > 0 ? cursor - 1 : 0);
        break;
    case CONTROL('F'):
    case KEY_RIGHT:
        move_to(cursor < length ? cursor + 1 : length);
        break;
    case KEY_WORD_LEFT:
        move_to(start_of_word());
        break;
    case KEY_WORD_RIGHT:
        move_to(end_of_word());
        break;
    case CONTROL('P'):
    case KEY_UP:
        if (*place > oldest)
            recall(--*place);
        break;
    case CONTROL('N'):
    case KEY_DOWN:
        if (*place < remembered)
            recall(++*place);
        break;
    default:
        if (key >= ' ' && key <= '~')
            insert((char)key);
    }
}

int read_line(char *line)
{
    struct key_sequence sequence = {0};
    uint32_t place = remembered;
    text = line;
    length = 0;
    cursor = 0;
    shown = 0;
    put_text(PROMPT);
    for (;;) {
        flush();
        int key = key_typed(&sequence, read_key());
        if (key == '\r' || key == '\n') {
            put_character('\n');
            flush();
            text[length] = '\0';
            remember();
            return (int)length;
        }
        if (key < 0 || key == CONTROL('C')) {
            put_text("^C\n");
            return LINE_DROPPED;
        }
        if (key == CONTROL('D') && length == 0) {
            put_character('\n');
            return LINE_END;
        }
        edit(key, &place);
    }
}
