/*
 * others.h - the plugins that come with Mosquitto, by the names of their files: what they say where
 * the broker asks who may do what.
 */
#ifndef NX_OTHERS_H
#define NX_OTHERS_H

#include "core/base/span.h"

/* What is behind the last slash. */
struct nx_span nx_others_name(struct nx_span path);

/* False: it has nothing to do with access. Of one that is not known it is assumed. */
bool nx_others_is_asked(struct nx_span path);

/* Does it answer for what is below nexus/, so that a plugin behind it is asked in vain? */
bool nx_others_decides(struct nx_span path);

#endif
