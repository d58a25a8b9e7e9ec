/*
 * earlier_test.c - finds the plugins that were loaded before, as the dynamic linker has them: with
 * RTLD_LOCAL, as 2.1 loads plugins, and with RTLD_GLOBAL as 2.0 does.
 *
 * usage: earlier_test NEIGHBOUR PASSWORDS PROBE: a plugin, the same by the name of one that is not
 * asked about access, and a shared library that has nx_earlier_plugin.
 */
#include "plugin/others.h"

#include "test/unit/unit.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char *neighbour_file, *passwords_file, *probe_file;

typedef const char *(*probe_function)(void);

/* What the probe finds, loaded behind `file`, which may be NULL. */
static const char *found_behind(const char *file, int flags)
{
    void *neighbour = file != NULL ? dlopen(file, RTLD_LAZY | flags) : NULL;
    void *probe = dlopen(probe_file, RTLD_NOW | flags);
    void *symbol;
    probe_function function;
    static char found[4096];
    const char *name;

    assert_true(file == NULL || neighbour != NULL);
    assert_non_null(probe);
    symbol = dlsym(probe, "nx_earlier_plugin");
    assert_non_null(symbol);
    memcpy(&function, &symbol, sizeof(function));
    name = function();
    (void)snprintf(found, sizeof(found), "%s", name != NULL ? name : "");
    (void)dlclose(probe);
    if (neighbour != NULL) {
        (void)dlclose(neighbour);
    }
    return found;
}

static void a_plugin_that_was_loaded_before_is_found_however_it_was_loaded(void **state)
{
    (void)state;
    assert_string_equal(found_behind(neighbour_file, RTLD_LOCAL), neighbour_file);
    assert_string_equal(found_behind(neighbour_file, RTLD_GLOBAL), neighbour_file);
}

static void where_no_plugin_was_loaded_before_none_is_found(void **state)
{
    void *probe = dlopen(probe_file, RTLD_NOW);
    void *behind = dlopen(neighbour_file, RTLD_LAZY);

    (void)state;
    assert_string_equal(found_behind(NULL, RTLD_LOCAL), "");
    (void)dlclose(behind);
    (void)dlclose(probe);
}

static void one_that_is_not_asked_about_access_is_passed_over(void **state)
{
    (void)state;
    assert_string_equal(found_behind(passwords_file, RTLD_LOCAL), "");
}

static void what_comes_with_mosquitto_is_known_by_name(void **state)
{
    (void)state;
    assert_true(nx_others_decides(NX_SPAN("/usr/lib/mosquitto_dynamic_security.so")));
    assert_true(nx_others_decides(NX_SPAN("mosquitto_acl_file.so")));
    assert_false(nx_others_decides(NX_SPAN("/usr/lib/mosquitto_password_file.so")));
    assert_false(nx_others_decides(NX_SPAN("/usr/lib/mosquitto_dynamic_security.so.old")));
    assert_false(nx_others_is_asked(NX_SPAN("name /usr/lib/mosquitto_persist_sqlite.so")));
    assert_true(nx_others_is_asked(NX_SPAN("neighbour.so")));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_that_was_loaded_before_is_found_however_it_was_loaded),
        cmocka_unit_test(where_no_plugin_was_loaded_before_none_is_found),
        cmocka_unit_test(one_that_is_not_asked_about_access_is_passed_over),
        cmocka_unit_test(what_comes_with_mosquitto_is_known_by_name),
    };

    if (argc != 4) {
        return 2;
    }
    neighbour_file = argv[1];
    passwords_file = argv[2];
    probe_file = argv[3];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
