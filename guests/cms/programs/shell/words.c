/*
 * Cutting a line into commands at ";" and commands into words at blanks. Double
 * quotes keep everything between them in one word; ">" names an output file.
 */
#include "shell.h"

static bool is_blank(char character)
{
    return character == ' ' || character == '\t';
}

static bool ends_word(char character)
{
    return is_blank(character) || character == '\0' || character == ';' || character == '>';
}

/* Copy a word to `to`, without its quotes; NULL if it does not fit or a quote is open. */
static char *copy_word(const char **text, char *to, const char *end)
{
    bool quoted = false;
    const char *from = *text;
    for (; quoted || !ends_word(*from); from++) {
        if (*from == '\0' || to == end)
            return NULL;
        if (*from == '"')
            quoted = !quoted;
        else
            *to++ = *from;
    }
    *to++ = '\0';
    *text = from;
    return to;
}

const char *next_command(const char **text, struct command *command)
{
    char *to = command->texts;
    const char *end = command->texts + sizeof command->texts - 1;
    bool to_output = false;
    command->count = 0;
    command->output = NULL;
    for (;;) {
        while (is_blank(**text))
            ++*text;
        if (**text == '\0' || **text == ';')
            break;
        if (**text == '>') {
            if (to_output || command->output != NULL)
                return "one > is enough";
            to_output = true;
            ++*text;
            continue;
        }
        char *word = to;
        to = copy_word(text, to, end);
        if (to == NULL)
            return "too long, or a quote is not closed";
        if (to_output)
            command->output = word;
        else if (command->count == WORD_LIMIT)
            return "too many words";
        else
            command->words[command->count++] = word;
        to_output = false;
    }
    if (**text == ';')
        ++*text;
    command->words[command->count] = NULL;
    if (to_output)
        return "a file name is missing after >";
    if (command->count == 0 && command->output != NULL)
        return "a command is missing before >";
    return NULL;
}
