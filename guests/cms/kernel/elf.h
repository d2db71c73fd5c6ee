/*
 * Loading programs: ELF files for this processor, linked to fixed addresses.
 */
#ifndef CMS_ELF_H
#define CMS_ELF_H

#include "file.h"

/*
 * Fill the empty `space` from `file`. `entry` is where to begin, `end` the first
 * byte past the program. 0 or an error.
 */
int elf_load(struct open_file *file, struct address_space *space, uint32_t *entry, uint32_t *end);

#endif
