/*
 * points.h - named points at which a test ends the process, as a crash would: at once, by SIGKILL.
 * In the shipped program they are nothing; nexus-bridge-points, which only tests start, is the same
 * sources with NX_POINTS. There the environment variable NEXUS_POINT names one: "batch_sent:3"
 * ends the process when that point is reached for the third time.
 */
#ifndef NX_BRIDGE_POINTS_H
#define NX_BRIDGE_POINTS_H

#ifdef NX_POINTS
#include <stdbool.h>

bool nx_point_is_due(const char *name); /* counts */
void nx_point_end(void);                /* does not return */

#define NX_POINT(name)                                                                             \
    do {                                                                                           \
        if (nx_point_is_due(name)) {                                                               \
            nx_point_end();                                                                        \
        }                                                                                          \
    } while (0)
/* After `flush`, so that what was queued has left the process. */
#define NX_POINT_AFTER(name, flush)                                                                \
    do {                                                                                           \
        if (nx_point_is_due(name)) {                                                               \
            flush;                                                                                 \
            nx_point_end();                                                                        \
        }                                                                                          \
    } while (0)
#else
#define NX_POINT(name)              ((void)0)
#define NX_POINT_AFTER(name, flush) ((void)0)
#endif

#endif
