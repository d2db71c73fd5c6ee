/*
 * Superblock, block cache and bitmap of a volume. The system disk lies in
 * memory and needs no cache; for the disk, changed blocks are kept until the
 * system call that changed them is done, and then written in this order: the
 * bitmap, the data, the inodes. So a machine that stops in between can lose what
 * was new, but nothing ever refers to what is not there yet.
 */
#include "volume.h"
#include "console.h"
#include "disk.h"
#include "string.h"
#include "system_calls.h"

#define BUFFERS 32
#define MOST_INODES 4096u
#define BLOCKS_PER_INODE 16u

struct buffer {
    bool used;
    bool changed;
    uint32_t block;
    uint32_t last_use;
    uint8_t contents[BLOCK_SIZE] __attribute__((aligned(4)));
};

static struct buffer buffers[BUFFERS];
static uint32_t uses;

int volume_damaged(const struct volume *volume, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_fresh_line();
    print("cms: %s: damaged file system: ", volume->name);
    print_values(format, values);
    print("\n");
    va_end(values);
    return -ERROR_DAMAGED;
}

static struct buffer *find(uint32_t block)
{
    for (uint32_t index = 0; index < BUFFERS; index++)
        if (buffers[index].used && buffers[index].block == block)
            return &buffers[index];
    return NULL;
}

/* The buffer that has been out of use longest, ready for `block`; NULL on failure. */
static struct buffer *replace(struct volume *volume, uint32_t block)
{
    struct buffer *oldest = &buffers[0];
    for (uint32_t index = 1; index < BUFFERS && oldest->used; index++)
        if (!buffers[index].used || buffers[index].last_use < oldest->last_use)
            oldest = &buffers[index];
    if (oldest->used && oldest->changed && volume_flush(volume) < 0)
        return NULL;
    oldest->used = true;
    oldest->block = block;
    return oldest;
}

const void *block_read(struct volume *volume, uint32_t block)
{
    if (volume->memory != NULL)
        return volume->memory + block * BLOCK_SIZE;
    struct buffer *buffer = find(block);
    if (buffer == NULL) {
        buffer = replace(volume, block);
        if (buffer == NULL)
            return NULL;
        if (disk_read(block, buffer->contents) < 0) {
            buffer->used = false;
            return NULL;
        }
    }
    buffer->last_use = ++uses;
    return buffer->contents;
}

void *block_change(struct volume *volume, uint32_t block)
{
    void *contents = (void *)block_read(volume, block);
    if (contents != NULL)
        find(block)->changed = true;
    return contents;
}

void *block_clear(struct volume *volume, uint32_t block)
{
    struct buffer *buffer = find(block);
    if (buffer == NULL)
        buffer = replace(volume, block);
    if (buffer == NULL)
        return NULL;
    buffer->changed = true;
    buffer->last_use = ++uses;
    return memset(buffer->contents, 0, BLOCK_SIZE);
}

/* When a block is to be written: inodes after everything else. */
static uint32_t turn_of(const struct volume *volume, uint32_t block)
{
    bool has_inodes = block >= inode_start(volume) && block < data_start(volume);
    return has_inodes ? block + volume->blocks : block;
}

int volume_flush(struct volume *volume)
{
    int result = 0;
    if (volume->memory != NULL)
        return 0;
    for (;;) {
        struct buffer *first = NULL;
        for (uint32_t index = 0; index < BUFFERS; index++)
            if (buffers[index].used && buffers[index].changed &&
                (first == NULL ||
                 turn_of(volume, buffers[index].block) < turn_of(volume, first->block)))
                first = &buffers[index];
        if (first == NULL)
            return result;
        first->changed = false;
        if (disk_write(first->block, first->contents) < 0) {
            first->used = false;
            result = -ERROR_INPUT_OUTPUT;
        }
    }
}

static uint32_t checksum(const struct superblock *super)
{
    const uint32_t *word = (const uint32_t *)super;
    uint32_t sum = 0;
    while (word < &super->checksum)
        sum += *word++;
    return ~sum;
}

/* Whether the superblock says of the layout what follows from its sizes. */
static bool layout_is_sound(const struct volume *volume, const struct superblock *super)
{
    return super->block_size == BLOCK_SIZE && super->bitmap_start == 1 &&
           super->bitmap_blocks == bitmap_blocks(volume) &&
           super->inode_start == inode_start(volume) && super->inode_blocks >= 1 &&
           super->inode_blocks < super->blocks && super->data_start == data_start(volume) &&
           super->data_start < super->blocks && super->root_inode == ROOT_INODE;
}

/* Take over what the superblock says, if it can be believed. 0 or an error. */
static int read_superblock(struct volume *volume)
{
    const struct superblock *super = block_read(volume, 0);
    if (super == NULL)
        return -ERROR_INPUT_OUTPUT;
    if (super->magic != FILE_SYSTEM_MAGIC)
        return -ERROR_NOT_FORMATTED;
    if (super->version != FILE_SYSTEM_VERSION)
        return volume_damaged(volume, "version %u is unknown", super->version);
    if (super->checksum != checksum(super))
        return volume_damaged(volume, "wrong checksum in the superblock");
    volume->blocks = super->blocks;
    volume->inode_blocks = super->inode_blocks;
    if (super->blocks < MINIMUM_BLOCKS || super->blocks > MAXIMUM_BLOCKS ||
        super->blocks > volume->sectors)
        return volume_damaged(volume, "%u blocks on a disk of %u", super->blocks, volume->sectors);
    if (!layout_is_sound(volume, super))
        return volume_damaged(volume, "the superblock contradicts itself");
    return 0;
}

int volume_mount(struct volume *volume)
{
    if (volume->mounted || volume->mount_error != 0)
        return volume->mount_error;
    if (volume->sectors == 0)
        volume->mount_error = -ERROR_NO_DRIVE;
    else if (volume->sectors < MINIMUM_BLOCKS)
        volume->mount_error = -ERROR_NOT_FORMATTED;
    else
        volume->mount_error = read_superblock(volume);
    if (volume->mount_error != 0)
        return volume->mount_error;
    volume->next_block = data_start(volume);
    volume->next_inode = ROOT_INODE + 1;
    volume->mounted = true;
    return 0;
}

static int format_bitmap(struct volume *volume, uint32_t index)
{
    uint8_t *bits = block_clear(volume, 1 + index);
    if (bits == NULL)
        return -ERROR_INPUT_OUTPUT;
    for (uint32_t bit = 0; bit < BITS_PER_BLOCK; bit++) {
        uint32_t block = index * BITS_PER_BLOCK + bit;
        if (block < data_start(volume) || block >= volume->blocks)
            bits[bit / 8] |= (uint8_t)(1 << bit % 8);
    }
    return 0;
}

int volume_format(struct volume *volume)
{
    if (volume->sectors == 0)
        return -ERROR_NO_DRIVE;
    if (volume->sectors < MINIMUM_BLOCKS)
        return -ERROR_NO_SPACE;
    volume->mounted = false;
    volume->mount_error = 0;
    volume->blocks = volume->sectors < MAXIMUM_BLOCKS ? volume->sectors : MAXIMUM_BLOCKS;
    uint32_t inodes = volume->blocks / BLOCKS_PER_INODE;
    if (inodes > MOST_INODES)
        inodes = MOST_INODES;
    volume->inode_blocks = (inodes + INODES_PER_BLOCK - 1) / INODES_PER_BLOCK;
    if (volume->inode_blocks == 0)
        volume->inode_blocks = 1;

    for (uint32_t index = 0; index < bitmap_blocks(volume); index++)
        if (format_bitmap(volume, index) < 0)
            return -ERROR_INPUT_OUTPUT;
    for (uint32_t block = inode_start(volume); block < data_start(volume); block++)
        if (block_clear(volume, block) == NULL)
            return -ERROR_INPUT_OUTPUT;
    struct inode *inodes_of_block = block_change(volume, inode_start(volume));
    if (inodes_of_block == NULL)
        return -ERROR_INPUT_OUTPUT;
    inodes_of_block[ROOT_INODE].type = INODE_DIRECTORY;
    if (volume_flush(volume) < 0)
        return -ERROR_INPUT_OUTPUT;

    /* Last, so that a half-made file system is none. */
    struct superblock *super = block_clear(volume, 0);
    if (super == NULL)
        return -ERROR_INPUT_OUTPUT;
    super->magic = FILE_SYSTEM_MAGIC;
    super->version = FILE_SYSTEM_VERSION;
    super->block_size = BLOCK_SIZE;
    super->blocks = volume->blocks;
    super->bitmap_start = 1;
    super->bitmap_blocks = bitmap_blocks(volume);
    super->inode_start = inode_start(volume);
    super->inode_blocks = volume->inode_blocks;
    super->data_start = data_start(volume);
    super->root_inode = ROOT_INODE;
    super->checksum = checksum(super);
    return volume_flush(volume);
}

int block_allocate(struct volume *volume)
{
    uint32_t block = volume->next_block;
    uint32_t step;
    for (uint32_t tried = 0; tried < volume->blocks; tried += step, block += step) {
        if (block >= volume->blocks)
            block = data_start(volume);
        uint32_t bit = block % BITS_PER_BLOCK;
        const uint8_t *bits = block_read(volume, 1 + block / BITS_PER_BLOCK);
        if (bits == NULL)
            return -ERROR_INPUT_OUTPUT;
        step = bits[bit / 8] == 0xff ? 8 - bit % 8 : 1;
        if (bits[bit / 8] & 1 << bit % 8)
            continue;
        uint8_t *changed = block_change(volume, 1 + block / BITS_PER_BLOCK);
        if (changed == NULL)
            return -ERROR_INPUT_OUTPUT;
        changed[bit / 8] |= (uint8_t)(1 << bit % 8);
        volume->next_block = block + 1;
        return (int)block;
    }
    return -ERROR_NO_SPACE;
}

int block_release(struct volume *volume, uint32_t block)
{
    uint8_t *bits = block_change(volume, 1 + block / BITS_PER_BLOCK);
    uint32_t bit = block % BITS_PER_BLOCK;
    if (bits == NULL)
        return -ERROR_INPUT_OUTPUT;
    if (!(bits[bit / 8] & 1 << bit % 8))
        return volume_damaged(volume, "block %u is in use but marked free", block);
    bits[bit / 8] &= (uint8_t)~(1 << bit % 8);
    if (block < volume->next_block)
        volume->next_block = block;
    return 0;
}

int volume_free_blocks(struct volume *volume)
{
    int count = 0;
    for (uint32_t index = 0; index < bitmap_blocks(volume); index++) {
        const uint8_t *bits = block_read(volume, 1 + index);
        if (bits == NULL)
            return -ERROR_INPUT_OUTPUT;
        for (uint32_t byte = 0; byte < BLOCK_SIZE; byte++)
            for (uint32_t free = bits[byte] ^ 0xffu; free != 0; free >>= 1)
                count += (int)(free & 1);
    }
    return count;
}
