/*
 * store_dead_test.c - dead letters: each part of a record on its own, asked for by another process,
 * sent again under a new number that histories and last values do not know.
 */
#include "test/unit/bridge/store_place.h"

#include <stdio.h>

#define ULSAN "birmingham-ulsan"
#define OSLO  "birmingham-oslo"

static void die(struct place *place, struct nx_store *store, const char *link, uint64_t seq,
                enum nx_channel channel)
{
    assert_int_equal(nx_store_dead_letter(store,
                                          &(struct nx_dead_letter){.link = nx_span_from(link),
                                                                   .seq = seq,
                                                                   .channel = channel,
                                                                   .at_ms = 77,
                                                                   .reason = NX_SPAN("why")},
                                          &place->diag),
                     NX_OK);
}

/* Three readings of one stream; both parts of the second and one of the third are dead. */
static struct nx_store *three(struct place *place)
{
    struct nx_store *store = place_open(place);

    (void)place_append(place, store, 0, "one");
    (void)place_append(place, store, 0, "two");
    (void)place_append(place, store, 0, "three");
    die(place, store, ULSAN, 2, NX_CHANNEL_OBSERVATION);
    die(place, store, ULSAN, 2, NX_CHANNEL_ORIGINAL);
    die(place, store, ULSAN, 3, NX_CHANNEL_ORIGINAL);
    die(place, store, OSLO, 2, NX_CHANNEL_OBSERVATION);
    place_commit(place, store);
    return store;
}

static uint64_t ask(struct place *place, const char *link, uint64_t seq)
{
    uint64_t letters = 99;

    assert_int_equal(
        nx_store_ask_resend(place->db, nx_span_from(link), seq, 5, &letters, &place->diag), NX_OK);
    return letters;
}

static struct nx_store_resent resend(struct place *place, struct nx_store *store, uint32_t max)
{
    struct nx_store_resent out;

    assert_int_equal(nx_store_resend(store, max, &out, &place->diag), NX_OK);
    return out;
}

static enum nx_err list_letter(void *ctx, const struct nx_dead_letter *letter,
                               const struct nx_reading *record)
{
    char *text = ctx;
    size_t len = strlen(text);

    (void)snprintf(text + len, 512 - len, "%llu %.*s %s %.*s; ", (unsigned long long)letter->seq,
                   NX_SPAN_ARG(letter->link), nx_channel_name(letter->channel),
                   NX_SPAN_ARG(record->original));
    return NX_OK;
}

static const char *dead(struct nx_store *store, const char *link)
{
    static char text[512];

    text[0] = '\0';
    assert_int_equal(nx_store_dead(store, nx_span_from(link), list_letter, text, NULL), NX_OK);
    return text;
}

static void dead_letters_are_listed_with_what_they_were(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);

    assert_string_equal(dead(store, ULSAN),
                        "2 birmingham-ulsan observation two; 2 birmingham-ulsan original two; "
                        "3 birmingham-ulsan original three; ");
    assert_string_equal(dead(store, OSLO), "2 birmingham-oslo observation two; ");
    nx_store_close(store);
}

static void what_is_sent_again_is_a_record_for_that_link_and_part_alone(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);
    struct nx_store_resent out;
    struct nx_reading got;
    struct nx_buf bytes;

    nx_buf_init(&bytes, 4096);
    assert_int_equal(ask(place, ULSAN, 3), 1); /* beside the open bridge */
    out = resend(place, store, 10);
    assert_string_equal(out.link, ULSAN);
    assert_int_equal(out.letters, 1);
    assert_int_equal(out.first, 4);
    assert_int_equal(nx_store_last(store), 3); /* not yet durable */
    place_commit(place, store);
    assert_int_equal(nx_store_last(store), 4);
    assert_int_equal(nx_store_get(store, 4, &bytes, &got, &place->diag), NX_OK);
    assert_int_equal(got.seq, 4);
    assert_true(nx_span_is(got.only_link, ULSAN));
    assert_int_equal(got.only_channel, NX_CHANNEL_ORIGINAL);
    assert_true(nx_span_is(got.original, "three"));
    assert_true(nx_span_is(got.topic, PLACE_TOPIC));
    assert_true(nx_span_is(got.observed_at, "2026-01-31T15:00:00Z"));
    assert_true(nx_span_is(got.canonical, "{\"type\":\"AirQualityObserved\"}"));
    assert_int_equal(got.received_ms, 1769871600123);
    assert_int_equal(got.packet_id, 0);
    assert_false(got.superseded); /* the third is still the newest of its stream */
    assert_string_equal(dead(store, ULSAN),
                        "2 birmingham-ulsan observation two; 2 birmingham-ulsan original two; ");
    assert_string_equal(resend(place, store, 10).link, ""); /* once asked, once done */
    assert_int_equal(nx_store_get(store, 3, &bytes, &got, &place->diag), NX_OK);
    assert_int_equal(got.only_link.len, 0);
    nx_buf_fini(&bytes);
    nx_store_close(store);
}

static void histories_and_last_values_do_not_know_it(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);
    struct nx_reading got;
    struct nx_buf bytes;
    bool same = false;

    nx_buf_init(&bytes, 4096);
    assert_int_equal(ask(place, ULSAN, 2), 2);
    assert_int_equal(resend(place, store, 10).letters, 2);
    place_commit(place, store);
    assert_int_equal(nx_store_get(store, 5, &bytes, &got, &place->diag), NX_OK);
    assert_true(got.superseded); /* "three" came after "two" */
    assert_int_equal(
        nx_store_is_latest(store, NX_SPAN(PLACE_TOPIC), NX_SPAN("three"), &same, &place->diag),
        NX_OK);
    assert_true(same);
    assert_int_equal(place_number(place, "SELECT count(*) FROM readings"), 3);
    assert_int_equal(place_append(place, store, 0, "six"), 6);
    nx_buf_fini(&bytes);
    nx_store_close(store);
    store = place_open(place);
    assert_string_equal(place_original(store, 4), "two");
    assert_string_equal(place_original(store, 5), "two");
    assert_int_equal(nx_store_last(store), 5);
    nx_store_close(store);
}

static void a_request_is_taken_up_in_pieces_and_after_a_restart(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);

    assert_int_equal(ask(place, ULSAN, 0), 3);
    assert_int_equal(ask(place, OSLO, 0), 1);
    assert_int_equal(resend(place, store, 2).letters, 2);
    place_commit(place, store);
    nx_store_close(store);
    store = place_open(place);
    assert_int_equal(resend(place, store, 2).letters, 1);
    place_commit(place, store);
    assert_string_equal(resend(place, store, 2).link, OSLO);
    place_commit(place, store);
    assert_false(resend(place, store, 2).more);
    assert_string_equal(dead(store, ""), "");
    assert_int_equal(nx_store_last(store), 7);
    nx_store_close(store);
}

static void a_rollback_leaves_letters_and_request_as_they_were(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);

    assert_int_equal(ask(place, ULSAN, 3), 1);
    assert_int_equal(resend(place, store, 2).letters, 1);
    nx_store_rollback(store);
    assert_int_equal(nx_store_last(store), 3);
    assert_int_equal(resend(place, store, 2).first, 4);
    nx_store_close(store);
}

static void what_dies_again_can_be_sent_again_and_no_request_goes_round(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);
    struct nx_reading got;
    struct nx_buf bytes;

    nx_buf_init(&bytes, 4096);
    assert_int_equal(ask(place, ULSAN, 0), 3);
    assert_int_equal(resend(place, store, 1).first, 4);
    die(place, store, ULSAN, 4, NX_CHANNEL_OBSERVATION); /* at once */
    assert_int_equal(resend(place, store, 10).letters, 2);
    place_commit(place, store);
    assert_string_equal(resend(place, store, 10).link, "");
    assert_string_equal(dead(store, ULSAN), "4 birmingham-ulsan observation two; ");
    assert_int_equal(ask(place, ULSAN, 4), 1);
    assert_int_equal(resend(place, store, 10).first, 7);
    place_commit(place, store);
    assert_int_equal(nx_store_get(store, 7, &bytes, &got, &place->diag), NX_OK);
    assert_int_equal(got.only_channel, NX_CHANNEL_OBSERVATION);
    assert_true(got.superseded);
    assert_true(nx_span_is(got.original, "two"));
    nx_buf_fini(&bytes);
    nx_store_close(store);
}

static void nothing_is_asked_where_there_is_no_such_letter(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);

    assert_int_equal(ask(place, "birmingham-nowhere", 0), 0);
    assert_int_equal(ask(place, OSLO, 3), 0);
    assert_string_equal(resend(place, store, 10).link, "");
    assert_false(nx_store_dirty(store));
    assert_int_equal(place_number(place, "SELECT count(*) FROM resend_requests"), 0);
    nx_store_close(store);
}

static void a_request_whose_letter_went_meanwhile_ends(void **state)
{
    struct place *place = *state;
    struct nx_store *store = three(place);

    assert_int_equal(ask(place, OSLO, 2), 1);
    place_query(place, "DELETE FROM dead_letters WHERE link = '" OSLO "'");
    assert_string_equal(resend(place, store, 10).link, OSLO);
    place_commit(place, store);
    assert_string_equal(resend(place, store, 10).link, "");
    assert_int_equal(nx_store_last(store), 3);
    nx_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(dead_letters_are_listed_with_what_they_were),
        PLACE_TEST(what_is_sent_again_is_a_record_for_that_link_and_part_alone),
        PLACE_TEST(histories_and_last_values_do_not_know_it),
        PLACE_TEST(a_request_is_taken_up_in_pieces_and_after_a_restart),
        PLACE_TEST(a_rollback_leaves_letters_and_request_as_they_were),
        PLACE_TEST(what_dies_again_can_be_sent_again_and_no_request_goes_round),
        PLACE_TEST(nothing_is_asked_where_there_is_no_such_letter),
        PLACE_TEST(a_request_whose_letter_went_meanwhile_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
