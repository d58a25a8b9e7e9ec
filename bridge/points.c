/*
 * points.c - see points.h. Not part of the shipped program.
 */
#include "bridge/points.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

bool nx_point_is_due(const char *name)
{
    static unsigned long reached; /* one point a process */
    const char *wanted = getenv("NEXUS_POINT");
    size_t len = strlen(name);
    unsigned long count;

    if (wanted == NULL || strncmp(wanted, name, len) != 0 ||
        (wanted[len] != ':' && wanted[len] != '\0')) {
        return false;
    }
    count = wanted[len] == ':' ? strtoul(wanted + len + 1, NULL, 10) : 1;
    return ++reached == count;
}

void nx_point_end(void)
{
    (void)raise(SIGKILL);
    abort();
}
