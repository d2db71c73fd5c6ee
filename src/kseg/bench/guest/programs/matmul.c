/* Products of integer matrices: multiplications, nested loops, two strides. */
#include "benchmark.h"

#define SIZE 46

const char program_name[] = "matmul";

static word left[SIZE][SIZE];
static word right[SIZE][SIZE];
static word product[SIZE][SIZE];

static void prepare(void)
{
    word random = 1;

    for (word row = 0; row < SIZE; row++) {
        for (word column = 0; column < SIZE; column++) {
            random = next_random(random);
            left[row][column] = random >> 16;
            random = next_random(random);
            right[row][column] = random >> 16;
        }
    }
}

static void multiply(void)
{
    for (word row = 0; row < SIZE; row++) {
        for (word column = 0; column < SIZE; column++) {
            word sum = 0;
            for (word inner = 0; inner < SIZE; inner++)
                sum += left[row][inner] * right[inner][column];
            product[row][column] = sum;
        }
    }
}

word run(word rounds)
{
    word checksum = 0;

    prepare();
    for (word round = 0; round < rounds; round++) {
        multiply();
        /* The product becomes the next left matrix, so that no round is like another. */
        for (word row = 0; row < SIZE; row++) {
            for (word column = 0; column < SIZE; column++) {
                checksum = mix(checksum, product[row][column]);
                left[row][column] = product[row][column] >> 3;
            }
        }
    }
    return checksum;
}
