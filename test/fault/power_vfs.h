/*
 * power_vfs.h - an SQLite file system in memory that loses power: what was written and not synced is
 * then there or not, sector by sector, as chance has it. Or one of its calls fails, and power stays.
 * https://sqlite.org/vfs.html
 *
 * Its promises are those of a disk: what was synced stays, a sector of 512 bytes is written whole or
 * not at all, and writing one does not touch its neighbours.
 */
#ifndef NX_TEST_POWER_VFS_H
#define NX_TEST_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum power_sync { POWER_SYNC_FULL, POWER_SYNC_NORMAL, POWER_SYNC_OFF };

/* Registers the file system "power"; every connection on it then has this PRAGMA synchronous,
 * whatever it sets itself (FULL: its own). */
void power_register(enum power_sync sync);

/* An empty disk, with power. */
void power_new_disk(void);

/* Cuts the power at the so many-th write, sync, truncation or deletion from now on. */
void power_cut_after(uint64_t operations, uint64_t seed);
bool power_is_off(void);

/* What was not synced is decided upon, and the power comes back. Nothing may be open. */
void power_restore(void);

enum power_fault {
    POWER_NO_FAULT,
    POWER_IOERR,      /* of anything but an opening */
    POWER_FULL,       /* of a write */
    POWER_SHORT_READ, /* half of what was asked for, zeros behind it */
};

/* The so many-th call from now on that can fail in this way does, once or from then on always. 0:
 * none any more. */
void power_fail_at(uint64_t call, enum power_fault fault, bool lasting);
bool power_failed(void); /* did it, since a call was last named? */

uint64_t power_next(uint64_t *state); /* SplitMix64 */

#endif
