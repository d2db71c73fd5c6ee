/*
 * The parts of the shell.
 */
#ifndef CMS_SHELL_H
#define CMS_SHELL_H

#include "cms.h"

#define PROMPT "cms> "
#define LINE_SIZE 256
#define WORD_LIMIT 32

/* What read_line returns besides a line's length. */
#define LINE_DROPPED (-1) /* Ctrl-C */
#define LINE_END (-2)     /* Ctrl-D on an empty line */

/* Print the prompt and let the user edit a line (line.c). */
int read_line(char *line);

/* One command, cut out of a line (words.c). */
struct command {
    int count;
    const char *words[WORD_LIMIT + 1]; /* ends with NULL */
    const char *output;                /* the file after ">", or NULL */
    char texts[LINE_SIZE * 4];
};

/*
 * Cut the next command off `*text`. Returns NULL, or what is wrong with it;
 * `command->count` is 0 if there is nothing to run.
 */
const char *next_command(const char **text, struct command *command);

#endif
