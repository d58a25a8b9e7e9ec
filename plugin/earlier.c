/*
 * earlier.c - looks for a plugin that the broker loaded before this one.
 *
 * Mosquitto asks its plugins in the order of their lines, and the first that has an opinion on a
 * topic is the last that is asked. One before us that allows what is below nexus/ keeps wills and
 * deliveries from our eyes, for which there is no other event; so the operator has to be told.
 *
 * 2.0 loads plugins with RTLD_GLOBAL: the entry point that a global search finds is that of the
 * first loaded. 2.1 does not, the search finds nothing there, and nothing is said.
 */
#include "plugin/earlier.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

const char *nx_earlier_plugin(void)
{
    static const char here; /* our own name for the entry point may be bound to another's */
    void *first = dlsym(RTLD_DEFAULT, "mosquitto_plugin_init");
    Dl_info ours, theirs;

    if (first == NULL || dladdr(first, &theirs) == 0 || dladdr(&here, &ours) == 0 ||
        theirs.dli_fbase == ours.dli_fbase) {
        return NULL;
    }
    return theirs.dli_fname;
}

/* Its default access is an answer too: it never leaves a question to those behind it. */
bool nx_earlier_decides(const char *file)
{
    const char *slash = strrchr(file, '/');

    return strcmp(slash != NULL ? slash + 1 : file, "mosquitto_dynamic_security.so") == 0;
}
