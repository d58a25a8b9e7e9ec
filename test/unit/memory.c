/*
 * memory.c - malloc, calloc and realloc behind the linker's --wrap.
 */
#include "test/unit/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static struct {
    size_t count; /* since it was armed */
    size_t at;    /* 0: none fails */
    bool and_all_behind, failed;
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static bool fails_now(void)
{
    bool now = false;

    if (memory.at > 0) {
        memory.count++;
        now = memory.count == memory.at || (memory.and_all_behind && memory.count > memory.at);
    }
    memory.failed = memory.failed || now;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return fails_now() ? NULL : __real_realloc(ptr, size);
}

/* Disarming keeps what memory_failed() tells. */
static void arm(size_t n, bool and_all_behind)
{
    memory.count = 0;
    memory.at = n;
    memory.and_all_behind = and_all_behind;
    memory.failed = n == 0 && memory.failed;
}

void memory_fails_at(size_t n)
{
    arm(n, false);
}

void memory_fails_from(size_t n)
{
    arm(n, true);
}

bool memory_failed(void)
{
    return memory.failed;
}

int memory_for_cjson(void **state)
{
    cJSON_Hooks hooks = {.malloc_fn = __wrap_malloc, .free_fn = free};

    (void)state;
    cJSON_InitHooks(&hooks);
    return 0;
}
