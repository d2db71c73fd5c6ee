/*
 * help [COMMAND]: print the help text, or the lines about one command.
 */
#include "cms.h"

#define HELP_FILE "s:/help.txt"
#define HELP_LIMIT 8192

static char text[HELP_LIMIT + 1];

/* Whether the line at `line` begins with the word `name`. */
static bool is_about(const char *line, const char *name)
{
    size_t length = strlen(name);
    return strncmp(line, name, length) == 0 && (line[length] == ' ' || line[length] == '\n');
}

static int print_about(const char *name)
{
    bool found = false;
    char *line = text;
    while (*line != '\0') {
        char *end = strchr(line, '\n');
        if (end == NULL)
            break;
        /* The command's name stands two blanks into the line. */
        if (line[0] == ' ' && line[1] == ' ' && is_about(line + 2, name)) {
            *end = '\0';
            printf("%s\n", line);
            found = true;
        }
        line = end + 1;
    }
    if (!found)
        error_text("help: there is no command %s\n", name);
    return found ? 0 : 1;
}

int main(int argc, char **argv)
{
    int file = open(HELP_FILE, OPEN_READ);
    int length = file < 0 ? file : read(file, text, HELP_LIMIT);
    if (length < 0)
        return fail(HELP_FILE, length);
    if (argc > 1)
        return print_about(argv[1]);
    put_text(text);
    return 0;
}
