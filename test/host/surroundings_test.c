/*
 * surroundings_test.c - what mosquitto.conf tells of what stands beside the plugin, and whether
 * plugin_opt_outside fits it.
 */
#include "site.h"

#include "plugin/surroundings.h"

#include "core/os/file.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct nx_surroundings scan(const char *text)
{
    struct nx_surroundings around = {.known = true, .logins = true};

    nx_surroundings_scan(nx_span_from(text), "/usr/lib/nexus/nexus_plugin.so", &around);
    return around;
}

/* Does the choice fit? And is this said? */
static bool fits(const char *text, enum nx_outside outside, bool ignores, const char *said)
{
    struct nx_surroundings around = scan(text);
    char out[NX_SURROUNDINGS_TEXT_SIZE];
    bool ok = nx_surroundings_judge(&around, outside, ignores, out, sizeof(out));

    if (strstr(out, said) == NULL) {
        fail_msg("said: %s", out);
    }
    return ok;
}

#define OURS "plugin /usr/lib/nexus/nexus_plugin.so\nplugin_opt_config /etc/nexus\n"

static void alone_allow_fits_and_defer_shuts_everything_outside(void **state)
{
    (void)state;
    assert_true(fits(OURS, NX_OUTSIDE_ALLOW, false, "ok"));
    assert_false(fits(OURS, NX_OUTSIDE_DEFER, false, "everything outside nexus/ is refused"));
}

/* `known_names`: somebody checks them. */
static void names_are_told_of(const char *line, bool known_names)
{
    struct nx_surroundings around = {.known = true};
    char out[NX_SURROUNDINGS_TEXT_SIZE];

    nx_surroundings_scan(nx_span_from(OURS), "/usr/lib/nexus/nexus_plugin.so", &around);
    nx_surroundings_scan(nx_span_from(line), "/usr/lib/nexus/nexus_plugin.so", &around);
    (void)nx_surroundings_judge(&around, NX_OUTSIDE_ALLOW, false, out, sizeof(out));
    assert_int_equal(strstr(out, "nobody checks names") == NULL, known_names);
    (void)nx_surroundings_judge(&around, NX_OUTSIDE_ALLOW, true, out, sizeof(out)); /* 2.1 */
    assert_null(strstr(out, "nobody checks names"));
}

static void a_broker_that_refuses_every_name_is_told_of(void **state)
{
    (void)state;
    names_are_told_of("allow_anonymous true\n", false);
    names_are_told_of("use_identity_as_username false\n", false);
    names_are_told_of("use_identity_as_username true\n", true);
    names_are_told_of("use_subject_as_username true\n", true);
    names_are_told_of("password_file /etc/passwords\n", true);
    names_are_told_of("psk_file /etc/psk\n", true);
    names_are_told_of("plugin /usr/lib/mosquitto_dynamic_security.so\n", true);
}

static void beside_an_acl_file_defer_fits_and_allow_opens_it(void **state)
{
    (void)state;
    assert_true(fits("acl_file /etc/acl\n" OURS, NX_OUTSIDE_DEFER, false, "ok"));
    assert_false(fits(OURS "  acl_file  /etc/acl", NX_OUTSIDE_ALLOW, false, "beside an acl_file"));
    assert_true(fits(OURS "#acl_file /etc/acl\r\n # acl_file x\n", NX_OUTSIDE_ALLOW, false, "ok"));
}

static void beside_another_plugin_allow_is_doubtful(void **state)
{
    static const char *const lines[] = {
        "plugin /usr/lib/mosquitto_dynamic_security.so\n",
        "auth_plugin /usr/lib/auth.so\n",
        "global_plugin /usr/lib/mosquitto_dynamic_security.so\r\n",
        "plugin_load dynsec /usr/lib/mosquitto_dynamic_security.so\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_false(fits(lines[i], NX_OUTSIDE_ALLOW, false, "doubtful"));
        assert_true(fits(lines[i], NX_OUTSIDE_DEFER, false, "ok"));
    }
}

static void beside_a_plugin_that_is_not_asked_about_access_it_is_as_if_alone(void **state)
{
    (void)state;
    assert_true(
        fits("plugin /usr/lib/mosquitto_password_file.so\n" OURS, NX_OUTSIDE_ALLOW, true, "ok"));
    assert_false(fits("plugin /usr/lib/mosquitto_password_file.so\n" OURS, NX_OUTSIDE_DEFER, true,
                      "everything outside nexus/ is refused"));
}

static void on_a_broker_that_can_ignore_us_allow_fits_beside_everybody(void **state)
{
    (void)state;
    assert_true(fits("acl_file /etc/acl\n", NX_OUTSIDE_ALLOW, true, "as if the plugin were not"));
    assert_true(fits(OURS, NX_OUTSIDE_ALLOW, true, "as if the plugin were not there"));
    assert_true(fits("acl_file /etc/acl\n", NX_OUTSIDE_DEFER, true, "ok"));
    assert_false(fits(OURS, NX_OUTSIDE_DEFER, true, "everything outside nexus/ is refused"));
}

#define BY_NAME "plugin_load nexus /usr/lib/nexus/nexus_plugin.so\nlistener 1\nplugin_use nexus\n"
#define GLOBAL  "global_plugin /usr/lib/nexus/nexus_plugin.so\n"

static void a_bridge_of_the_broker_that_no_plugin_sees_is_told(void **state)
{
    static const struct {
        const char *lines;
        bool seen;
    } rows[] = {
        {OURS "per_listener_settings true\nconnection peer\n", false},
        {OURS "per_listener_settings false\nconnection peer\n", true},
        {OURS "per_listener_settings true\n", true},
        {"per_listener_settings true\nconnection peer\n" GLOBAL, true},
        {BY_NAME "connection peer\n", false},
        {BY_NAME, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(fits(rows[i].lines, NX_OUTSIDE_ALLOW, true,
                         rows[i].seen ? "ok" : "reaches no plugin") == rows[i].seen);
    }
}

static void behind_what_is_asked_for_the_whole_broker_a_listeners_plugin_is_told(void **state)
{
    (void)state;
    assert_false(fits(BY_NAME "acl_file /etc/acl\n", NX_OUTSIDE_DEFER, true, "plugin_use"));
    assert_false(fits(BY_NAME "plugin other.so\n", NX_OUTSIDE_ALLOW, true, "plugin_use"));
    assert_true(fits(BY_NAME "per_listener_settings true\nacl_file /etc/acl\n", NX_OUTSIDE_DEFER,
                     true, "ok"));
}

static void a_broker_that_asks_again_who_retained_a_value_is_told(void **state)
{
    (void)state;
    assert_false(fits(OURS "check_retain_source true\n", NX_OUTSIDE_ALLOW, false,
                      "check_retain_source true"));
    assert_true(fits(OURS "check_retain_source false\n", NX_OUTSIDE_ALLOW, false, "ok"));
}

static void what_is_included_counts_too(void **state)
{
    struct site *site = *state;
    struct nx_reader reader = nx_file_reader();
    struct nx_surroundings_paths paths = {.own = "nexus_plugin.so"};
    struct nx_surroundings around;
    char text[2 * SITE_PATH_MAX];

    (void)snprintf(text, sizeof(text), "%s/conf.d", site->dir);
    assert_int_equal(mkdir(text, 0700), 0);
    (void)snprintf(text, sizeof(text), "plugin nexus_plugin.so\ninclude_dir %s/conf.d\n",
                   site->dir);
    site_write(site, "mosquitto.conf", text);
    site_write(site, "conf.d/notes.txt", "acl_file /etc/acl\n");
    (void)snprintf(paths.config, sizeof(paths.config), "%s/mosquitto.conf", site->dir);
    nx_surroundings_read(&reader, &paths, &around);
    assert_true(around.known && !around.acl_file && !around.other_plugin);
    site_write(site, "conf.d/acl.conf", "acl_file /etc/acl\n");
    nx_surroundings_read(&reader, &paths, &around);
    assert_true(around.known && around.acl_file);
}

static void a_file_that_cannot_be_read_is_said_to_be_unknown(void **state)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_surroundings_paths paths = {.config = "/nowhere/mosquitto.conf"};
    struct nx_surroundings around;
    char out[NX_SURROUNDINGS_TEXT_SIZE];

    (void)state;
    nx_surroundings_read(&reader, &paths, &around);
    assert_false(around.known);
    assert_true(nx_surroundings_judge(&around, NX_OUTSIDE_DEFER, false, out, sizeof(out)));
    assert_memory_equal(out, "not known: ", 11);
}

static void the_plugin_finds_out_by_which_file_it_was_started(void **state)
{
    struct nx_reader reader = nx_file_reader();
    struct nx_surroundings_paths paths;

    (void)state;
    nx_surroundings_find(&reader, &paths);
    assert_string_equal(paths.config, ""); /* this program has no -c */
    assert_non_null(strstr(paths.own, "test_host_surroundings"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_allow_fits_and_defer_shuts_everything_outside),
        cmocka_unit_test(a_broker_that_refuses_every_name_is_told_of),
        cmocka_unit_test(beside_an_acl_file_defer_fits_and_allow_opens_it),
        cmocka_unit_test(beside_another_plugin_allow_is_doubtful),
        cmocka_unit_test(beside_a_plugin_that_is_not_asked_about_access_it_is_as_if_alone),
        cmocka_unit_test(on_a_broker_that_can_ignore_us_allow_fits_beside_everybody),
        cmocka_unit_test(a_bridge_of_the_broker_that_no_plugin_sees_is_told),
        cmocka_unit_test(behind_what_is_asked_for_the_whole_broker_a_listeners_plugin_is_told),
        cmocka_unit_test(a_broker_that_asks_again_who_retained_a_value_is_told),
        cmocka_unit_test_setup_teardown(what_is_included_counts_too, site_make, site_remove),
        cmocka_unit_test(a_file_that_cannot_be_read_is_said_to_be_unknown),
        cmocka_unit_test(the_plugin_finds_out_by_which_file_it_was_started),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
