/* An interpreter of a small stack machine: one switch for every instruction it runs. */
#include "benchmark.h"

#define BOUND 89

const char program_name[] = "bytecode";

enum operation { PUSH, LOAD, STORE, ADD, MULTIPLY, AND, SHIFT_RIGHT, LESS, JUMP, JUMP_IF_ZERO, STOP };

enum variable { LIMIT, START, NUMBER, TOTAL, VARIABLES };

enum label { AGAIN = 2, STEP = 8, EVEN = 27, NEXT = 32, END = 37 };

struct instruction {
    byte operation;
    byte operand;
};

/* Adds up the lengths of the Collatz sequences that begin with 1, 2, ... LIMIT - 1. */
static const struct instruction code[] = {
    { PUSH, 1 }, { STORE, START },
    /* AGAIN: */
    { LOAD, START }, { LOAD, LIMIT }, { LESS, 0 }, { JUMP_IF_ZERO, END },
    { LOAD, START }, { STORE, NUMBER },
    /* STEP: */
    { PUSH, 1 }, { LOAD, NUMBER }, { LESS, 0 }, { JUMP_IF_ZERO, NEXT },
    { LOAD, TOTAL }, { PUSH, 1 }, { ADD, 0 }, { STORE, TOTAL },
    { LOAD, NUMBER }, { PUSH, 1 }, { AND, 0 }, { JUMP_IF_ZERO, EVEN },
    { LOAD, NUMBER }, { PUSH, 3 }, { MULTIPLY, 0 }, { PUSH, 1 }, { ADD, 0 }, { STORE, NUMBER },
    { JUMP, STEP },
    /* EVEN: */
    { LOAD, NUMBER }, { PUSH, 1 }, { SHIFT_RIGHT, 0 }, { STORE, NUMBER }, { JUMP, STEP },
    /* NEXT: */
    { LOAD, START }, { PUSH, 1 }, { ADD, 0 }, { STORE, START }, { JUMP, AGAIN },
    /* END: */
    { STOP, 0 },
};

static void interpret(word *variables)
{
    word stack[8];
    word *top = stack;
    const struct instruction *next = code;

    for (;;) {
        word operand = next->operand;
        switch ((next++)->operation) {
        case PUSH:
            *top++ = operand;
            break;
        case LOAD:
            *top++ = variables[operand];
            break;
        case STORE:
            variables[operand] = *--top;
            break;
        case ADD:
            top--;
            top[-1] += top[0];
            break;
        case MULTIPLY:
            top--;
            top[-1] *= top[0];
            break;
        case AND:
            top--;
            top[-1] &= top[0];
            break;
        case SHIFT_RIGHT:
            top--;
            top[-1] >>= top[0];
            break;
        case LESS:
            top--;
            top[-1] = top[-1] < top[0];
            break;
        case JUMP:
            next = &code[operand];
            break;
        case JUMP_IF_ZERO:
            if (*--top == 0)
                next = &code[operand];
            break;
        default:
            return;
        }
    }
}

word run(word rounds)
{
    word checksum = 0;

    for (word round = 0; round < rounds; round++) {
        word variables[VARIABLES] = { BOUND, 0, 0, round };
        interpret(variables);
        checksum = mix(checksum, variables[TOTAL]);
    }
    return checksum;
}
