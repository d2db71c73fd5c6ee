/*
 * A deadlock. Each account has a lock. Ann moves money from the first to the second and
 * takes the locks in this order; Bob moves it back, and takes them in the other order.
 * Where each has one of the two, neither goes on.
 */
#include "exercise.h"
#include "lock.h"
#include "thread.h"

#define TURNS 100
#define MONEY 1000000

struct account {
    struct lock lock;
    uint32_t money;
};

static struct account first = {.lock = {.name = "first account"}};
static struct account second = {.lock = {.name = "second account"}};
static uint32_t transfers;

static void transfer(struct account *from, struct account *to)
{
    lock_acquire(&from->lock);
    lock_acquire(&to->lock);
    from->money--;
    to->money++;
    transfers++;
    lock_release(&to->lock);
    lock_release(&from->lock);
}

/* Whoever transfers takes the locks in the order in which they lie in memory. */
static void transfer_fixed(struct account *from, struct account *to)
{
    struct account *lower = from < to ? from : to;
    struct account *upper = from < to ? to : from;
    lock_acquire(&lower->lock);
    lock_acquire(&upper->lock);
    from->money--;
    to->money++;
    transfers++;
    lock_release(&upper->lock);
    lock_release(&lower->lock);
}

static bool is_fixed;

static void move(struct account *from, struct account *to)
{
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        work(600);
        if (is_fixed)
            transfer_fixed(from, to);
        else
            transfer(from, to);
    }
}

static void ann(void *argument)
{
    (void)argument;
    move(&first, &second);
}

static void bob(void *argument)
{
    (void)argument;
    move(&second, &first);
}

static void run(bool fixed)
{
    is_fixed = fixed;
    transfers = 0;
    first.money = second.money = MONEY;
    thread_start("ann", ann, NULL);
    thread_start("bob", bob, NULL);
    thread_wait_for_others();
    finish(&deadlock, transfers, 2 * TURNS, "transfers");
}

const struct exercise deadlock = {"deadlock", "two locks, taken in two orders", run};
