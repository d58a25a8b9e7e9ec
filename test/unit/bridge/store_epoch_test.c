/*
 * store_epoch_test.c - a cache knows whether it is the file that was written last, and names what comes
 * into a copy by a new epoch.
 */
#include "test/unit/bridge/store_place.h"

#include <stdio.h>

#define FIRST "019c1491698089abcdef"

/* A file with the bytes of `from`, under another inode. */
static void copy(const char *from, const char *to)
{
    char bytes[65536];
    FILE *in = fopen(from, "r");
    FILE *out = fopen(to, "w");
    size_t len;

    assert_non_null(in);
    assert_non_null(out);
    while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0) {
        assert_int_equal(fwrite(bytes, 1, len, out), len);
    }
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void beside(const struct place *place, char out[PLACE_PATH_SIZE + 8])
{
    (void)snprintf(out, PLACE_PATH_SIZE + 8, "%s.kept", place->db);
}

static void back_up(const struct place *place)
{
    char kept[PLACE_PATH_SIZE + 8];

    beside(place, kept);
    copy(place->db, kept);
}

static void put_back(const struct place *place)
{
    char kept[PLACE_PATH_SIZE + 8];
    char made[PLACE_PATH_SIZE + 8];

    beside(place, kept);
    (void)snprintf(made, sizeof(made), "%s.new", place->db);
    copy(kept, made);
    assert_int_equal(rename(made, place->db), 0);
}

static void append(struct place *place, int count)
{
    struct nx_store *store = place_open(place);

    while (count-- > 0) {
        (void)place_append(place, store, 1, "x");
    }
    place_commit(place, store);
    nx_store_close(store);
}

static void assert_epochs(struct nx_store *store, size_t count, const char *newest, uint64_t after)
{
    const struct nx_store_epoch *epochs;

    assert_int_equal(nx_store_epochs(store, &epochs), count);
    assert_string_equal(epochs[count - 1].name, newest);
    assert_string_equal(nx_store_epoch(store), newest);
    assert_int_equal(epochs[0].after, 0);
    assert_int_equal(epochs[count - 1].after, after);
    assert_true(epochs[count - 1].until == UINT64_MAX);
}

static void in_a_copy_new_numbers_have_a_new_epoch_and_old_ones_keep_theirs(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    append(place, 3);
    back_up(place);
    append(place, 4);
    put_back(place);
    store = place_open(place);
    assert_non_null(strstr(place->told, "begins a new epoch"));
    assert_epochs(store, 2, "019c1491698189abcdef", 3); /* later than the first, at one time */
    assert_int_equal(place_append(place, store, 1, "y"), 4);
    place_commit(place, store);
    assert_string_equal(nx_store_epoch_of(store, 3), FIRST);
    assert_string_equal(nx_store_epoch_of(store, 4), "019c1491698189abcdef");
    nx_store_close(store);

    place->told[0] = '\0';
    store = place_open(place); /* and once only */
    assert_string_equal(place->told, "");
    assert_epochs(store, 2, "019c1491698189abcdef", 3);
    nx_store_close(store);
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_OK);
    assert_string_equal(nx_store_epoch_of(store, 3), FIRST);
    nx_store_close(store);
}

static void a_copy_that_was_made_before_the_first_reading_is_one_too(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    append(place, 0);
    back_up(place);
    append(place, 4);
    put_back(place);
    store = place_open(place);
    assert_epochs(store, 1, "019c1491698189abcdef", 0); /* the first has named nothing */
    nx_store_close(store);
}

static void a_file_that_was_renamed_is_no_copy(void **state)
{
    struct place *place = *state;
    struct nx_store *store;
    char kept[PLACE_PATH_SIZE + 8];

    append(place, 3);
    beside(place, kept);
    assert_int_equal(rename(place->db, kept), 0);
    assert_int_equal(rename(kept, place->db), 0);
    store = place_open(place);
    assert_epochs(store, 1, FIRST, 0);
    nx_store_close(store);
}

static void a_file_that_does_not_know_which_one_it_was_counts_as_a_copy(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    append(place, 3);
    assert_int_equal(nx_store_put_back(place->db, &place->diag), NX_OK);
    store = place_open(place);
    assert_epochs(store, 2, "019c1491698189abcdef", 3);
    nx_store_close(store);
}

static void who_only_reads_a_copy_begins_nothing(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    append(place, 3);
    back_up(place);
    put_back(place);
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_OK);
    assert_epochs(store, 1, FIRST, 0);
    nx_store_close(store);
}

static void of_too_many_epochs_the_oldest_are_forgotten(void **state)
{
    struct place *place = *state;
    struct nx_store *store;

    for (int i = 0; i < NX_STORE_EPOCHS_MAX + 3; i++) {
        append(place, 10);
        assert_int_equal(nx_store_put_back(place->db, &place->diag), NX_OK);
    }
    store = place_open(place);
    assert_epochs(store, NX_STORE_EPOCHS_MAX, "019c1491698b89abcdef", 110);
    assert_string_equal(nx_store_epoch_of(store, 1), nx_store_epoch_of(store, 50));
    assert_string_equal(nx_store_epoch_of(store, 50), "019c1491698489abcdef");
    assert_string_equal(nx_store_epoch_of(store, 51), "019c1491698589abcdef");
    nx_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(in_a_copy_new_numbers_have_a_new_epoch_and_old_ones_keep_theirs),
        PLACE_TEST(a_copy_that_was_made_before_the_first_reading_is_one_too),
        PLACE_TEST(a_file_that_was_renamed_is_no_copy),
        PLACE_TEST(a_file_that_does_not_know_which_one_it_was_counts_as_a_copy),
        PLACE_TEST(who_only_reads_a_copy_begins_nothing),
        PLACE_TEST(of_too_many_epochs_the_oldest_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
