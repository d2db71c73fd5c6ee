/*
 * matmul [N]: multiply two N x N matrices of integers.
 */
#include "cms.h"

#define LIMIT 512

static void fill(int *matrix, uint32_t size, uint32_t seed)
{
    for (uint32_t index = 0; index < size * size; index++) {
        seed = seed * 1664525u + 1013904223u;
        matrix[index] = (int)(seed >> 16) - 32768;
    }
}

static void multiply(int *product, const int *left, const int *right, uint32_t size)
{
    for (uint32_t row = 0; row < size; row++) {
        for (uint32_t column = 0; column < size; column++) {
            int sum = 0;
            for (uint32_t index = 0; index < size; index++)
                sum += left[row * size + index] * right[index * size + column];
            product[row * size + column] = sum;
        }
    }
}

int main(int argc, char **argv)
{
    uint32_t size = number_argument(argc, argv, 1, 64);
    if (size == 0 || size > LIMIT) {
        error_text("matmul: the size must be from 1 to %u\n", LIMIT);
        return 2;
    }
    uint32_t bytes = size * size * sizeof(int);
    int *left = malloc(bytes), *right = malloc(bytes), *product = malloc(bytes);
    if (left == NULL || right == NULL || product == NULL)
        return fail("matmul", ERROR_NO_MEMORY);
    fill(left, size, 1);
    fill(right, size, 2);
    multiply(product, left, right, size);
    uint32_t checksum = 0;
    for (uint32_t index = 0; index < size * size; index++)
        checksum = checksum_add(checksum, (uint32_t)product[index]);
    printf("matmul %u: checksum %08x\n", size, checksum);
    return 0;
}
