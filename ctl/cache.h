/*
 * cache.h - `nexusctl cache`: looks into a city's cache file.
 */
#ifndef NX_CTL_CACHE_H
#define NX_CTL_CACHE_H

/* argv[0] is "cache". Returns the exit code: 0, 1 nothing found, 2 usage or file unusable. */
int nx_cmd_cache(int argc, char **argv);

#endif
