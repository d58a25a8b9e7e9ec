/*
 * memory.h - memory that runs out when a test says so. For programs built with MEMORY
 * (nexus_unit_test): the linker sends their allocations here, those within libc excepted.
 */
#ifndef NX_TEST_MEMORY_H
#define NX_TEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th allocation fails, counted from 1; 0: none does. */
void memory_fails_at(size_t n);
/* The n-th, and all behind it. */
void memory_fails_from(size_t n);
/* Has one failed since then? */
bool memory_failed(void);

/* cmocka setup. cJSON lives in a shared library, out of the linker's reach: it has hooks instead. */
int memory_for_cjson(void **state);

#endif
