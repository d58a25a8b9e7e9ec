/*
 * store_stream_test.c - streams: how many readings each has, which is its newest, and the chain
 * through them, also where retention, a rollback or too many of them come in between.
 */
#include "test/unit/bridge/store_place.h"

#include <stdio.h>

#define TOPIC(asset) "nexus/birmingham/air/" asset "/observation"

struct listing {
    char text[512];
};

static enum nx_err list_stream(void *ctx, const struct nx_store_stream *row)
{
    struct listing *list = ctx;
    size_t len = strlen(list->text);
    struct nx_span asset = {row->topic.ptr + strlen("nexus/birmingham/air/"), 4};

    (void)snprintf(list->text + len, sizeof(list->text) - len, "%.*s:%llu@%llu ",
                   NX_SPAN_ARG(asset), (unsigned long long)row->count,
                   (unsigned long long)row->last_seq);
    return NX_OK;
}

/* All streams, each with its count and its newest. */
static const char *streams(struct nx_store *store)
{
    static struct listing list;

    list.text[0] = '\0';
    assert_int_equal(nx_store_streams(store, list_stream, &list, NULL), NX_OK);
    return list.text;
}

static enum nx_err list_reading(void *ctx, const struct nx_reading *row)
{
    struct listing *list = ctx;
    size_t len = strlen(list->text);

    (void)snprintf(list->text + len, sizeof(list->text) - len, "%llu ",
                   (unsigned long long)row->seq);
    return NX_OK;
}

static const char *history(struct nx_store *store, const char *topic, uint64_t since,
                           uint64_t limit)
{
    static struct listing list;
    const struct nx_store_query query = {
        .filter = nx_span_from(topic), .since = since, .limit = limit};

    list.text[0] = '\0';
    assert_int_equal(nx_store_history(store, &query, list_reading, &list, NULL), NX_OK);
    return list.text;
}

/* Readings 1 to `count`, in turn of AAAA, BBBB and CCCC, a second apart. */
static void append_in_turn(struct place *place, struct nx_store *store, int count)
{
    static const char *const assets[] = {"CCCC", "AAAA", "BBBB"};

    for (int i = 1; i <= count; i++) {
        (void)place_append_to(place, store, assets[i % 3], i * 1000, "x");
    }
}

static void a_stream_is_a_chain_from_its_newest_reading(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    append_in_turn(place, store, 8);
    assert_string_equal(streams(store), "AAAA:3@7 BBBB:3@8 CCCC:2@6 "); /* not committed */
    assert_string_equal(history(store, TOPIC("AAAA"), 0, 0), "1 4 7 ");
    place_commit(place, store);
    append_in_turn(place, store, 1);
    place_commit(place, store);
    assert_string_equal(streams(store), "AAAA:4@9 BBBB:3@8 CCCC:2@6 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 0, 0), "1 4 7 9 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 0, 2), "7 9 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 4, 0), "7 9 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 4, 1), "9 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 9, 0), "");
    assert_string_equal(history(store, TOPIC("DDDD"), 0, 0), "");
    nx_store_close(store);
    store = place_open(place);
    append_in_turn(place, store, 2);
    assert_string_equal(history(store, TOPIC("AAAA"), 0, 0), "1 4 7 9 10 ");
    assert_string_equal(history(store, TOPIC("BBBB"), 0, 0), "2 5 8 11 ");
    nx_store_close(store);
}

static void a_rollback_takes_the_new_heads_back(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    append_in_turn(place, store, 3);
    place_commit(place, store);
    append_in_turn(place, store, 3);
    assert_string_equal(streams(store), "AAAA:2@4 BBBB:2@5 CCCC:2@6 ");
    (void)place_append_to(place, store, "DDDD", 1, "x");
    nx_store_rollback(store);
    assert_string_equal(streams(store), "AAAA:1@1 BBBB:1@2 CCCC:1@3 ");
    append_in_turn(place, store, 1);
    place_commit(place, store);
    assert_string_equal(streams(store), "AAAA:2@4 BBBB:1@2 CCCC:1@3 ");
    assert_string_equal(history(store, TOPIC("AAAA"), 0, 0), "1 4 ");
    nx_store_close(store);
}

static void what_retention_removes_is_counted_no_more_and_ends_the_chain(void **state)
{
    const struct nx_store_limits limits = {.before_ms = 7500};
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_thinned out;

    append_in_turn(place, store, 8);
    (void)place_append_to(place, store, "BBBB", 9000, "x");
    (void)place_append_to(place, store, "BBBB", 10000, "x");
    /* the open transaction counts: 7 is the newest of AAAA, and stays */
    assert_int_equal(nx_store_thin(store, UINT64_MAX, &limits, 100, &out, &place->diag), NX_OK);
    assert_int_equal(out.removed, 5);
    place_commit(place, store);
    assert_string_equal(streams(store), "AAAA:1@7 BBBB:3@10 CCCC:1@6 ");
    assert_string_equal(history(store, TOPIC("BBBB"), 0, 0), "8 9 10 ");
    assert_string_equal(history(store, TOPIC("CCCC"), 0, 0), "6 ");
    (void)place_append_to(place, store, "CCCC", 11000, "x"); /* and now 6 is not the newest */
    place_commit(place, store);
    assert_string_equal(streams(store), "AAAA:1@7 BBBB:3@10 CCCC:1@11 ");
    assert_string_equal(history(store, TOPIC("CCCC"), 0, 0), "11 ");
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), 5);
    nx_store_close(store);
}

/* Long topics, so that few of them are more than what is remembered. */
static void more_streams_than_are_remembered_lose_nothing(void **state)
{
    enum { STREAMS = 400, ROUNDS = 3, LENGTH = 60000 };
    static char topic[LENGTH + 1];
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_reading one = place_reading(0, "x");
    uint64_t seq;

    memset(topic, 'x', LENGTH);
    one.topic = (struct nx_span){topic, LENGTH};
    for (int i = 0; i < STREAMS * ROUNDS; i++) {
        (void)snprintf(topic, 5, "%04d", i % STREAMS);
        topic[4] = 'x';
        assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
    }
    place_commit(place, store);
    nx_store_close(store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM streams"), STREAMS);
    assert_int_equal(place_number(place, "SELECT sum(count - gone) FROM heads"), STREAMS * ROUNDS);
    assert_int_equal(place_number(place, "SELECT count(*) FROM heads WHERE count <> 3 OR last <"
                                         " 801"),
                     0);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings WHERE prev = seq - 400"),
                     STREAMS * (ROUNDS - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_stream_is_a_chain_from_its_newest_reading),
        PLACE_TEST(a_rollback_takes_the_new_heads_back),
        PLACE_TEST(what_retention_removes_is_counted_no_more_and_ends_the_chain),
        PLACE_TEST(more_streams_than_are_remembered_lose_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
