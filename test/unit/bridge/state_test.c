/*
 * state_test.c - the state folder: one bridge at a time, and client identifiers that stay.
 */
#include "bridge/state.h"

#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 128 };

struct place {
    char above[PATH_SIZE / 2], dir[PATH_SIZE], lock[2 * PATH_SIZE], id[2 * PATH_SIZE];
};

static int place_make(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    (void)snprintf(place->above, sizeof(place->above), "/tmp/nexus-state-XXXXXX");
    assert_non_null(mkdtemp(place->above));
    (void)snprintf(place->dir, sizeof(place->dir), "%s/state", place->above);
    (void)snprintf(place->lock, sizeof(place->lock), "%s/bridge.lock", place->dir);
    (void)snprintf(place->id, sizeof(place->id), "%s/ulsan.client-id", place->dir);
    *state = place;
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;

    (void)unlink(place->lock);
    (void)unlink(place->id);
    (void)rmdir(place->dir);
    (void)rmdir(place->above);
    free(place);
    return 0;
}

static void the_lock_makes_the_folder_and_keeps_a_second_bridge_out(void **state)
{
    struct place *place = *state;
    struct nx_diag diag = {0};
    char pid[32];
    int first = -1;
    int second = -1;

    assert_int_equal(nx_state_lock(place->dir, &first, &diag), NX_OK);
    assert_int_equal(nx_state_lock(place->dir, &second, &diag), NX_ERR_STATE);
    assert_int_equal(second, -1);
    (void)snprintf(pid, sizeof(pid), "pid %ld ", (long)getpid());
    assert_non_null(strstr(diag.text, pid));
    assert_string_equal(diag.file, place->lock);
    (void)close(first);
    assert_int_equal(nx_state_lock(place->dir, &second, &diag), NX_OK);
    (void)close(second);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    struct place *place = *state;
    struct nx_diag diag = {0};
    char deep[2 * PATH_SIZE];
    int lock = -1;

    (void)snprintf(deep, sizeof(deep), "%s/not/there", place->dir);
    assert_int_equal(nx_state_lock(deep, &lock, &diag), NX_ERR_IO);
    assert_string_equal(diag.file, deep);
    assert_non_null(strstr(diag.text, "No such file"));
}

static void a_check_says_the_same_and_makes_nothing(void **state)
{
    struct place *place = *state;
    struct nx_diag diag = {0};
    char deep[2 * PATH_SIZE];

    assert_int_equal(nx_state_check(place->dir, &diag), NX_OK);
    assert_int_equal(access(place->dir, F_OK), -1);
    (void)snprintf(deep, sizeof(deep), "%s/", place->dir);
    assert_int_equal(nx_state_check(deep, &diag), NX_OK);
    (void)snprintf(deep, sizeof(deep), "%s/there", place->dir);
    assert_int_equal(nx_state_check(deep, &diag), NX_ERR_IO);
    assert_string_equal(diag.file, deep);
    assert_non_null(strstr(diag.text, "cannot make the state folder: No such file"));
    assert_int_equal(mkdir(place->dir, 0700), 0);
    assert_int_equal(nx_state_check(place->dir, &diag), NX_OK);
    assert_int_equal(rmdir(place->dir), 0);
    assert_int_equal(symlink("/dev/null", place->dir), 0);
    assert_int_equal(nx_state_check(place->dir, &diag), NX_ERR_IO);
    assert_non_null(strstr(diag.text, "Not a directory"));
    assert_int_equal(unlink(place->dir), 0);
}

static void an_identifier_is_made_once_and_is_for_its_owner_alone(void **state)
{
    struct place *place = *state;
    struct nx_diag diag = {0};
    char first[NX_CLIENT_ID_SIZE];
    char second[NX_CLIENT_ID_SIZE];
    struct stat st;

    assert_int_equal(mkdir(place->dir, 0700), 0);
    assert_int_equal(nx_state_client_id(place->dir, "ulsan", first, &diag), NX_OK);
    assert_int_equal(strlen(first), strlen("nexus-bridge-ulsan-") + 16);
    assert_memory_equal(first, "nexus-bridge-ulsan-", strlen("nexus-bridge-ulsan-"));
    assert_int_equal(stat(place->id, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(nx_state_client_id(place->dir, "ulsan", second, &diag), NX_OK);
    assert_string_equal(first, second);
    assert_int_equal(unlink(place->id), 0);
    assert_int_equal(nx_state_client_id(place->dir, "ulsan", second, &diag), NX_OK);
    assert_string_not_equal(first, second);
}

static void an_identifier_of_another_form_is_refused(void **state)
{
    struct place *place = *state;
    struct nx_diag diag = {0};
    char id[NX_CLIENT_ID_SIZE];
    FILE *file;

    assert_int_equal(mkdir(place->dir, 0700), 0);
    file = fopen(place->id, "w");
    assert_non_null(file);
    assert_true(fputs("nexus-bridge-birmingham-0123456789abcdef", file) > 0);
    (void)fclose(file);
    assert_int_equal(nx_state_client_id(place->dir, "ulsan", id, &diag), NX_ERR_SYNTAX);
    assert_string_equal(diag.file, place->id);
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATE_TEST(the_lock_makes_the_folder_and_keeps_a_second_bridge_out),
        STATE_TEST(a_folder_that_cannot_be_made_is_told),
        STATE_TEST(a_check_says_the_same_and_makes_nothing),
        STATE_TEST(an_identifier_is_made_once_and_is_for_its_owner_alone),
        STATE_TEST(an_identifier_of_another_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
