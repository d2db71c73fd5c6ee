/*
 * Editing a line. Typing at the end just echoes; whatever else changes the line
 * redraws it. A line that is too long for the screen scrolls sideways, so that it
 * never wraps.
 */
#include "shell.h"

#define CONTROL(letter) ((letter) - '@')
#define ESCAPE 0x1b
#define RUBOUT 0x7f

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

/* Remove the characters from `start` to the cursor. */
static void erase_from(uint32_t start)
{
    bool simple = start + 1 == cursor && cursor == length && start > shown;
    if (start == cursor)
        return;
    memmove(text + start, text + cursor, length - cursor);
    length -= cursor - start;
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

/* The letter of an arrow key, whose ESC has been read. */
static int arrow_letter(void)
{
    int key = read_key();
    return key == '[' || key == 'O' ? read_key() : 0;
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

/* The letter that an arrow key sends after its ESC; `*place` is in the history. */
static void arrow(int key, uint32_t *place)
{
    uint32_t oldest = remembered > HISTORY ? remembered - HISTORY : 0;
    if (key == 'A' && *place > oldest)
        recall(--*place);
    else if (key == 'B' && *place < remembered)
        recall(++*place);
    else if (key == 'C' && cursor < length)
        move_to(cursor + 1);
    else if (key == 'D' && cursor > 0)
        move_to(cursor - 1);
    else if (key == 'H')
        move_to(0);
    else if (key == 'F')
        move_to(length);
}

int read_line(char *line)
{
    uint32_t place = remembered;
    text = line;
    length = 0;
    cursor = 0;
    shown = 0;
    put_text(PROMPT);
    for (;;) {
        flush();
        int key = read_key();
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
        if (key == '\b' || key == RUBOUT)
            erase_from(cursor > 0 ? cursor - 1 : 0);
        else if (key == CONTROL('U'))
            erase_from(0);
        else if (key == CONTROL('W'))
            erase_from(start_of_word());
        else if (key == CONTROL('A'))
            move_to(0);
        else if (key == CONTROL('E'))
            move_to(length);
        else if (key == ESCAPE)
            arrow(arrow_letter(), &place);
        else if (key >= ' ' && key <= '~')
            insert((char)key);
    }
}
