/*
 * Inodes. Every number from the disk is checked before it is used, since a disk
 * may hold anything: what fails the check is reported, and the request fails.
 */
#include "inode.h"
#include "clock.h"
#include "string.h"
#include "system_calls.h"

static uint32_t blocks_of(uint32_t size)
{
    return (size + BLOCK_SIZE - 1) / BLOCK_SIZE;
}

static uint32_t inode_block(const struct volume *volume, uint32_t number)
{
    return inode_start(volume) + number / INODES_PER_BLOCK;
}

int inode_read(struct volume *volume, uint32_t number, struct file_inode *file)
{
    uint32_t inodes = volume->inode_blocks * INODES_PER_BLOCK;
    if (number < ROOT_INODE || number >= inodes)
        return volume_damaged(volume, "inode %u does not exist", number);
    const struct inode *inodes_of_block = block_read(volume, inode_block(volume, number));
    if (inodes_of_block == NULL)
        return -ERROR_INPUT_OUTPUT;
    file->volume = volume;
    file->number = number;
    file->stored = inodes_of_block[number % INODES_PER_BLOCK];
    uint32_t type = file->stored.type, size = file->stored.size;
    bool sound = blocks_of(size) <= MAXIMUM_FILE_BLOCKS && size <= MAXIMUM_FILE_BLOCKS * BLOCK_SIZE;
    if (type == INODE_DIRECTORY)
        sound =
            size % sizeof(struct stored_entry) == 0 && size / sizeof(struct stored_entry) <= inodes;
    else if (type != INODE_FILE)
        sound = false;
    if (!sound)
        return volume_damaged(volume, "inode %u has type %u and %u bytes", number, type, size);
    return 0;
}

int inode_write(const struct file_inode *file)
{
    struct inode *inodes_of_block =
        block_change(file->volume, inode_block(file->volume, file->number));
    if (inodes_of_block == NULL)
        return -ERROR_INPUT_OUTPUT;
    inodes_of_block[file->number % INODES_PER_BLOCK] = file->stored;
    return 0;
}

static uint32_t time_now(void)
{
    uint32_t seconds, nanoseconds;
    clock_read(&seconds, &nanoseconds);
    return seconds;
}

int inode_allocate(struct volume *volume, uint32_t type, struct file_inode *file)
{
    uint32_t inodes = volume->inode_blocks * INODES_PER_BLOCK;
    for (uint32_t number = volume->next_inode; number < inodes; number++) {
        const struct inode *inodes_of_block = block_read(volume, inode_block(volume, number));
        if (inodes_of_block == NULL)
            return -ERROR_INPUT_OUTPUT;
        if (inodes_of_block[number % INODES_PER_BLOCK].type != INODE_FREE)
            continue;
        memset(file, 0, sizeof *file);
        file->volume = volume;
        file->number = number;
        file->stored.type = (uint16_t)type;
        file->stored.modified = time_now();
        volume->next_inode = number + 1;
        return inode_write(file);
    }
    return -ERROR_NO_SPACE;
}

/* A block number that the disk gave us, if it can be one; or an error. */
static int checked(const struct file_inode *file, uint32_t block)
{
    if (block < data_start(file->volume) || block >= file->volume->blocks)
        return volume_damaged(file->volume, "inode %u refers to block %u", file->number, block);
    return (int)block;
}

/* Entry `index` of the pointer block `table`, or an error. */
static int pointer(const struct file_inode *file, uint32_t table, uint32_t index)
{
    if (checked(file, table) < 0)
        return -ERROR_DAMAGED;
    const uint32_t *pointers = block_read(file->volume, table);
    return pointers == NULL ? -ERROR_INPUT_OUTPUT : checked(file, pointers[index]);
}

/* The number of the file's block `index`, which must exist; or an error. */
static int block_at(const struct file_inode *file, uint32_t index)
{
    if (index < DIRECT_BLOCKS)
        return checked(file, file->stored.direct[index]);
    index -= DIRECT_BLOCKS;
    if (index < POINTERS_PER_BLOCK)
        return pointer(file, file->stored.indirect, index);
    index -= POINTERS_PER_BLOCK;
    int table = pointer(file, file->stored.double_indirect, index / POINTERS_PER_BLOCK);
    return table < 0 ? table : pointer(file, (uint32_t)table, index % POINTERS_PER_BLOCK);
}

/* Take a block and clear it. The number or an error. */
static int allocate_clear(struct volume *volume)
{
    int block = block_allocate(volume);
    if (block < 0 || block_clear(volume, (uint32_t)block) != NULL)
        return block;
    block_release(volume, (uint32_t)block);
    return -ERROR_INPUT_OUTPUT;
}

/* Store `block` as entry `index` of the pointer block `table`. 0 or an error. */
static int set_pointer(const struct file_inode *file, uint32_t table, uint32_t index, int block)
{
    if (block < 0)
        return block;
    int error = checked(file, table);
    uint32_t *pointers = error < 0 ? NULL : block_change(file->volume, table);
    if (pointers == NULL) {
        block_release(file->volume, (uint32_t)block);
        return error < 0 ? error : -ERROR_INPUT_OUTPUT;
    }
    pointers[index] = (uint32_t)block;
    return 0;
}

/* Give the file, which has `index` blocks, one more. 0 or an error. */
static int append_block(struct file_inode *file, uint32_t index)
{
    struct volume *volume = file->volume;
    struct inode *stored = &file->stored;
    int block = allocate_clear(volume);
    if (block < 0)
        return block;
    if (index < DIRECT_BLOCKS) {
        stored->direct[index] = (uint32_t)block;
        return 0;
    }
    index -= DIRECT_BLOCKS;
    if (index < POINTERS_PER_BLOCK) {
        int table = index == 0 ? allocate_clear(volume) : (int)stored->indirect;
        if (table < 0) {
            block_release(volume, (uint32_t)block);
            return table;
        }
        stored->indirect = (uint32_t)table;
        return set_pointer(file, stored->indirect, index, block);
    }
    index -= POINTERS_PER_BLOCK;
    int table = index == 0 ? allocate_clear(volume) : (int)stored->double_indirect;
    if (table >= 0) {
        stored->double_indirect = (uint32_t)table;
        uint32_t place = index / POINTERS_PER_BLOCK;
        if (index % POINTERS_PER_BLOCK == 0)
            table = set_pointer(file, stored->double_indirect, place, allocate_clear(volume));
        if (table >= 0)
            table = pointer(file, stored->double_indirect, place);
    }
    if (table < 0) {
        block_release(volume, (uint32_t)block);
        return table;
    }
    return set_pointer(file, (uint32_t)table, index % POINTERS_PER_BLOCK, block);
}

/* Release the blocks of a file whose inode on the disk no longer names them. */
static int release_blocks(const struct file_inode *file)
{
    uint32_t count = blocks_of(file->stored.size);
    int result = 0;
    for (uint32_t index = 0; index < count && result == 0; index++) {
        int block = block_at(file, index);
        result = block < 0 ? block : block_release(file->volume, (uint32_t)block);
    }
    if (result == 0 && count > DIRECT_BLOCKS)
        result = block_release(file->volume, file->stored.indirect);
    if (count <= DIRECT_BLOCKS + POINTERS_PER_BLOCK)
        return result;
    count -= DIRECT_BLOCKS + POINTERS_PER_BLOCK;
    for (uint32_t index = 0; index * POINTERS_PER_BLOCK < count && result == 0; index++) {
        int table = pointer(file, file->stored.double_indirect, index);
        result = table < 0 ? table : block_release(file->volume, (uint32_t)table);
    }
    return result < 0 ? result : block_release(file->volume, file->stored.double_indirect);
}

int inode_clear(struct file_inode *file, bool forget)
{
    struct file_inode old = *file;
    memset(&file->stored, 0, sizeof file->stored);
    if (forget) {
        if (file->number < file->volume->next_inode)
            file->volume->next_inode = file->number;
    } else {
        file->stored.type = old.stored.type;
        file->stored.modified = time_now();
    }
    int error = inode_write(file);
    if (error == 0)
        error = volume_flush(file->volume);
    return error < 0 ? error : release_blocks(&old);
}

int inode_read_bytes(struct file_inode *file, uint32_t offset, void *to, uint32_t length)
{
    uint32_t done = 0;
    if (offset >= file->stored.size)
        return 0;
    if (length > file->stored.size - offset)
        length = file->stored.size - offset;
    while (done < length) {
        uint32_t inside = (offset + done) % BLOCK_SIZE;
        uint32_t part = BLOCK_SIZE - inside;
        if (part > length - done)
            part = length - done;
        int block = block_at(file, (offset + done) / BLOCK_SIZE);
        if (block < 0)
            return block;
        const uint8_t *contents = block_read(file->volume, (uint32_t)block);
        if (contents == NULL)
            return -ERROR_INPUT_OUTPUT;
        memcpy((uint8_t *)to + done, contents + inside, part);
        done += part;
    }
    return (int)done;
}

/* Append zeros until the file is `size` bytes long. 0 or an error. */
static int extend(struct file_inode *file, uint32_t size)
{
    while (file->stored.size < size) {
        uint32_t count = blocks_of(file->stored.size);
        if (count < blocks_of(size)) {
            int error = append_block(file, count);
            if (error < 0)
                return error;
            count++;
        }
        file->stored.size = size < count * BLOCK_SIZE ? size : count * BLOCK_SIZE;
    }
    return 0;
}

int inode_write_bytes(struct file_inode *file, uint32_t offset, const void *from, uint32_t length)
{
    const uint32_t most = MAXIMUM_FILE_BLOCKS * BLOCK_SIZE;
    uint32_t done = 0;
    int error = 0;
    if (offset > most || length > most - offset)
        return -ERROR_TOO_BIG;
    while (done < length) {
        uint32_t inside = (offset + done) % BLOCK_SIZE;
        uint32_t part = BLOCK_SIZE - inside;
        if (part > length - done)
            part = length - done;
        error = extend(file, offset + done + part);
        if (error < 0)
            break;
        int block = block_at(file, (offset + done) / BLOCK_SIZE);
        uint8_t *contents = block < 0 ? NULL : block_change(file->volume, (uint32_t)block);
        if (contents == NULL) {
            error = block < 0 ? block : -ERROR_INPUT_OUTPUT;
            break;
        }
        memcpy(contents + inside, (const uint8_t *)from + done, part);
        done += part;
    }
    file->stored.modified = time_now();
    int written = inode_write(file);
    if (written < 0)
        return written;
    return done > 0 ? (int)done : error;
}
