/*
 * earlier.h - is there a plugin that the broker asks before this one?
 */
#ifndef NX_EARLIER_H
#define NX_EARLIER_H

#include <stdbool.h>

/*
 * The file of a plugin that was loaded before this one and may have an opinion on access, or NULL.
 * It lives as long as that does.
 */
const char *nx_earlier_plugin(void);

/* Does that file answer questions of access so that this plugin would be asked in vain? */
bool nx_earlier_decides(const char *file);

#endif
