/*
 * System calls: the way in from user programs.
 */
#ifndef CMS_SYSTEM_CALL_H
#define CMS_SYSTEM_CALL_H

#include "machine.h"

/* Carry out what the registers ask for, and put the answer there. */
void system_call(struct trap_frame *frame);

#endif
