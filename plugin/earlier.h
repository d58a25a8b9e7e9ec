/*
 * earlier.h - is there a plugin that the broker asks before this one?
 */
#ifndef NX_EARLIER_H
#define NX_EARLIER_H

#include <stdbool.h>

/* The file of a plugin that was loaded before this one, or NULL. It lives as long as that does. */
const char *nx_earlier_plugin(void);

/* Does that file answer every question of access by itself, so that none reaches us? */
bool nx_earlier_decides(const char *file);

#endif
