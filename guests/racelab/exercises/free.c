/*
 * Use after free. The sender makes a message, hands it over and frees it when the box is
 * empty again: then the receiver has it. But the receiver empties the box first and reads
 * afterwards; if it is the sender's turn in between, what it reads has been freed.
 */
#include "exercise.h"
#include "lock.h"
#include "thread.h"

#define MESSAGES 200
#define WORDS 4
#define FREED 0xdeadbeef

struct message {
    bool used;
    uint32_t words[WORDS];
};

static struct message heap[4];
static struct message *volatile box;
static uint32_t received;

static struct message *message_make(uint32_t number)
{
    struct message *message = heap;
    while (message->used)
        message++;
    message->used = true;
    for (uint32_t index = 0; index < WORDS; index++)
        message->words[index] = number;
    return message;
}

/* What was freed is overwritten, so that whoever goes on using it notices. */
static void message_free(struct message *message)
{
    for (uint32_t index = 0; index < WORDS; index++)
        message->words[index] = FREED;
    message->used = false;
}

static void sender(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        struct message *message = message_make(number);
        box = message;
        while (box != NULL)
            thread_yield();
        message_free(message);
        work(200);
    }
}

/* Wait until there is a message in the box, which stays there. */
static struct message *wait_for_message(void)
{
    while (box == NULL)
        thread_yield();
    return box;
}

static bool is_right(const struct message *message, uint32_t number)
{
    for (uint32_t index = 0; index < WORDS; index++)
        if (message->words[index] != number)
            return false;
    return true;
}

static void receiver(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        work(300);
        struct message *message = wait_for_message();
        box = NULL;
        received += is_right(message, number);
    }
}

/* The box is empty when the message has been read, and not before. */
static void receiver_fixed(void *argument)
{
    (void)argument;
    for (uint32_t number = 1; number <= MESSAGES; number++) {
        work(300);
        received += is_right(wait_for_message(), number);
        box = NULL;
    }
}

static void run(bool fixed)
{
    received = 0;
    thread_start("sender", sender, NULL);
    thread_start("receiver", fixed ? receiver_fixed : receiver, NULL);
    thread_wait_for_others();
    finish(&use_after_free, received, MESSAGES, "messages");
}

const struct exercise use_after_free = {"free", "use after free: read when it is gone", run};
