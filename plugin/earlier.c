/*
 * earlier.c - looks for a plugin that the broker loaded before this one.
 *
 * Mosquitto asks its plugins in the order of their lines, and the first that has an opinion on a
 * topic is the last that is asked. One before us that allows what is below nexus/ keeps wills and
 * deliveries from our eyes, for which there is no other event; so the operator has to be told.
 *
 * The broker does not tell who else is there. What is loaded before us is what stands before us in
 * the dynamic linker's list, and a plugin there is what has a plugin's entry point. A global search
 * for that finds it on 2.0 alone, which loads with RTLD_GLOBAL; 2.1 does not.
 */
#include "plugin/earlier.h"

#include "plugin/others.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

/* Where the file lies that this address is in, or NULL. */
static const void *base_of(const void *address)
{
    Dl_info info = {0};

    return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

/* Is there a plugin's entry point in that very file, and not in one that it needs? */
static bool is_plugin(const struct link_map *file)
{
    static const char *const entries[] = {"mosquitto_plugin_version",
                                          "mosquitto_auth_plugin_version"};
    void *handle = dlopen(file->l_name, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    bool found = false;

    for (size_t i = 0; handle != NULL && i < sizeof(entries) / sizeof(entries[0]); i++) {
        const void *entry = dlsym(handle, entries[i]);

        found = found || (entry != NULL && base_of(entry) == base_of(file->l_ld));
    }
    if (handle != NULL) {
        (void)dlclose(handle);
    }
    return found;
}

const char *nx_earlier_plugin(void)
{
    static const char here;
    void *program = dlopen(NULL, RTLD_LAZY);
    const struct link_map *file = NULL;
    const char *found = NULL;

    if (program == NULL || dlinfo(program, RTLD_DI_LINKMAP, &file) != 0) {
        file = NULL;
    }
    for (; file != NULL && found == NULL && base_of(file->l_ld) != base_of(&here);
         file = file->l_next) {
        if (file->l_name[0] != '\0' && nx_others_is_asked(nx_span_from(file->l_name)) &&
            is_plugin(file)) {
            found = file->l_name;
        }
    }
    if (program != NULL) {
        (void)dlclose(program);
    }
    return found;
}
