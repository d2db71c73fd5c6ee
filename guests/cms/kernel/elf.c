/*
 * Loading programs. What the file says is checked against where a program may
 * lie; pages with file contents are read at once, the others come into being when
 * they are touched.
 */
#include "elf.h"
#include "memory.h"
#include "string.h"
#include "system_calls.h"

#define ELF_MAGIC 0x7f454c46
#define ELF_CLASS_32_BIG_ENDIAN 0x01020100 /* class, byte order, version; then the ABI */
#define ELF_EXECUTABLE 2
#define ELF_MIPS 8
#define SEGMENT_LOAD 1
#define SEGMENT_WRITABLE 2
#define SEGMENT_LIMIT 16

struct elf_header {
    uint32_t magic;
    uint32_t identity;
    uint32_t padding[2];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint32_t entry;
    uint32_t segments_offset;
    uint32_t sections_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t segment_size;
    uint16_t segment_count;
    uint16_t section_size;
    uint16_t section_count;
    uint16_t names_section;
};

struct elf_segment {
    uint32_t type;
    uint32_t offset;
    uint32_t address;
    uint32_t physical;
    uint32_t file_size;
    uint32_t memory_size;
    uint32_t flags;
    uint32_t alignment;
};

/* Read exactly `length` bytes. 0 or an error. */
static int read_all(struct open_file *file, uint32_t offset, void *to, uint32_t length)
{
    int count = file_read_at(file, offset, to, length);
    if (count < 0)
        return count;
    return (uint32_t)count == length ? 0 : -ERROR_NOT_PROGRAM;
}

static int load_segment(struct open_file *file, struct address_space *space,
                        const struct elf_segment *segment)
{
    uint32_t address = segment->address;
    uint32_t left = segment->file_size;
    uint32_t offset = segment->offset;
    if (address < USER_BOTTOM || address >= HEAP_LIMIT || left > segment->memory_size ||
        segment->memory_size > HEAP_LIMIT - address)
        return -ERROR_NOT_PROGRAM;
    if (segment->memory_size == 0)
        return 0;
    bool writable = (segment->flags & SEGMENT_WRITABLE) != 0;
    if (area_add(space, address, segment->memory_size, writable) < 0)
        return -ERROR_NOT_PROGRAM;
    while (left > 0) {
        uint32_t part = part_in_page(address, left);
        char *page = page_allocate();
        if (page == NULL)
            return -ERROR_NO_MEMORY;
        if (part < PAGE_SIZE)
            memset(page, 0, PAGE_SIZE);
        int error = page_install(space, address, page);
        if (error < 0) {
            page_free(page);
            return error;
        }
        error = read_all(file, offset, page + address % PAGE_SIZE, part);
        if (error < 0)
            return error;
        address += part;
        offset += part;
        left -= part;
    }
    return 0;
}

int elf_load(struct open_file *file, struct address_space *space, uint32_t *entry, uint32_t *end)
{
    struct elf_header header;
    struct elf_segment segment;
    int error = read_all(file, 0, &header, sizeof header);
    if (error < 0)
        return error;
    if (header.magic != ELF_MAGIC || (header.identity & 0xffffff00) != ELF_CLASS_32_BIG_ENDIAN ||
        header.type != ELF_EXECUTABLE || header.machine != ELF_MIPS ||
        header.segment_size != sizeof segment || header.segment_count > SEGMENT_LIMIT)
        return -ERROR_NOT_PROGRAM;
    /* Going to an unaligned address would be the kernel's own fault, in both senses. */
    if (header.entry % 4 != 0 || header.entry >= HEAP_LIMIT)
        return -ERROR_NOT_PROGRAM;
    *entry = header.entry;
    *end = 0;
    for (uint32_t index = 0; index < header.segment_count; index++) {
        error = read_all(file, header.segments_offset + index * sizeof segment, &segment,
                         sizeof segment);
        if (error < 0)
            return error;
        if (segment.type != SEGMENT_LOAD)
            continue;
        error = load_segment(file, space, &segment);
        if (error < 0)
            return error;
        if (*end < segment.address + segment.memory_size)
            *end = segment.address + segment.memory_size;
    }
    return *end == 0 ? -ERROR_NOT_PROGRAM : 0;
}
