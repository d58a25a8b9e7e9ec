/*
 * earlier.h - is there a plugin that the broker asks before this one?
 */
#ifndef NX_EARLIER_H
#define NX_EARLIER_H

/*
 * The file of a plugin that was loaded before this one and may have an opinion on access, or NULL.
 * It lives as long as that does.
 */
const char *nx_earlier_plugin(void);

#endif
