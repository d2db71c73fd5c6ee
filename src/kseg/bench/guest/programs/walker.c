/* A memory walker: a chain of pointers in no order through 1 MiB, and strides across it. */
#include "benchmark.h"

#define NODES 65536
#define STEPS 50000
#define STRIDE 1027 /* nodes: a little more than 16 KiB, and no divisor of NODES */

const char program_name[] = "walker";

struct node {
    struct node *next;
    word visits;
    word value;
    word unused;
};

static struct node nodes[NODES];

/* Chain the nodes into one cycle in random order (Sattolo's shuffle). */
static void prepare(void)
{
    word random = 1;

    for (word index = 0; index < NODES; index++) {
        nodes[index].next = &nodes[index];
        nodes[index].visits = 0;
        nodes[index].value = index;
    }
    for (word index = NODES - 1; index > 0; index--) {
        random = next_random(random);
        word other = (random >> 16) % index;
        struct node *exchanged = nodes[index].next;
        nodes[index].next = nodes[other].next;
        nodes[other].next = exchanged;
    }
}

static struct node *chase(struct node *node, word *sum)
{
    word total = *sum;

    for (word step = 0; step < STEPS; step++) {
        total += node->value;
        node->visits++;
        node = node->next;
    }
    *sum = total;
    return node;
}

static word stride(word position)
{
    for (word step = 0; step < STEPS; step++) {
        struct node *node = &nodes[position];
        node->value += node->visits;
        position = (position + STRIDE) & (NODES - 1);
    }
    return position;
}

word run(word rounds)
{
    struct node *node = nodes;
    word checksum = 0;
    word position = 0;
    word sum = 0;

    prepare();
    for (word round = 0; round < rounds; round++) {
        node = chase(node, &sum);
        position = stride(position);
        checksum = mix(checksum, sum);
    }
    return mix(checksum, node->value);
}
