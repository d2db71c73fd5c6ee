/*
 * A stack overflow. A thread walks down a path that is DEPTH directories deep, and each
 * level takes a frame on its stack, with a name in it. The stack is large enough for that,
 * but not for an interrupt at the bottom, which takes what it needs of the same stack.
 */
#include "exercise.h"
#include "thread.h"

#define WALKS 100
#define DEPTH 21
#define NAME_SIZE 80

static uint32_t walks;

static void make_name(char *name, uint32_t level) __attribute__((noinline));
static uint32_t walk(uint32_t level) __attribute__((noinline));
static uint32_t walk_fixed(uint32_t level, char *name) __attribute__((noinline));

static void make_name(char *name, uint32_t level)
{
    name[0] = (char)('a' + level);
    name[1] = '\0';
}

static uint32_t walk(uint32_t level)
{
    char name[NAME_SIZE];
    make_name(name, level);
    uint32_t below = level < DEPTH ? walk(level + 1) : 0;
    return below + (name[0] == (char)('a' + level));
}

/* One name is enough: a level that is left has looked at its own. */
static uint32_t walk_fixed(uint32_t level, char *name)
{
    make_name(name, level);
    uint32_t here = name[0] == (char)('a' + level);
    return here + (level < DEPTH ? walk_fixed(level + 1, name) : 0);
}

static void walker(void *argument)
{
    (void)argument;
    for (uint32_t number = 0; number < WALKS; number++) {
        work(600);
        walks += walk(1) == DEPTH;
    }
}

static void walker_fixed(void *argument)
{
    (void)argument;
    char name[NAME_SIZE];
    for (uint32_t number = 0; number < WALKS; number++) {
        work(600);
        walks += walk_fixed(1, name) == DEPTH;
    }
}

/* Somebody to whom the processor can be given. */
static void bystander(void *argument)
{
    (void)argument;
    for (uint32_t number = 0; number < WALKS; number++)
        work(600);
}

static void run(bool fixed)
{
    walks = 0;
    thread_start("bystander", bystander, NULL);
    thread_start("walker", fixed ? walker_fixed : walker, NULL);
    thread_wait_for_others();
    finish(&overflow, walks, WALKS, "walks");
}

const struct exercise overflow = {"overflow", "a stack that is too small, by an interrupt", run};
