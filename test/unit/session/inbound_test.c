/*
 * inbound_test.c - the identifiers of what a broker sends: what is held, what counts, what outlives
 * a connection.
 */
#include "bridge/inbound.h"
#include "test/unit/unit.h"

static struct nx_inbound inbound;

static int set_up(void **state)
{
    (void)state;
    nx_inbound_forget(&inbound);
    return 0;
}

static void an_acknowledgement_is_due_once_at_the_qos_of_the_message(void **state)
{
    (void)state;
    nx_inbound_hold(&inbound, 5, 1);
    nx_inbound_hold(&inbound, 6, 2);
    assert_int_equal(nx_inbound_held(&inbound), 2);
    assert_int_equal(nx_inbound_ack(&inbound, 5), 1);
    assert_int_equal(nx_inbound_ack(&inbound, 5), 0);
    assert_int_equal(nx_inbound_ack(&inbound, 6), 2);
    assert_int_equal(nx_inbound_ack(&inbound, 6), 0);
    assert_int_equal(nx_inbound_ack(&inbound, 65535), 0);
    assert_int_equal(nx_inbound_held(&inbound), 0);
}

static void qos_2_counts_until_its_release(void **state)
{
    (void)state;
    nx_inbound_hold(&inbound, 5, 1);
    nx_inbound_hold(&inbound, 6, 2);
    nx_inbound_hold(&inbound, 6, 2); /* a repetition */
    assert_int_equal(nx_inbound_counted(&inbound), 2);
    (void)nx_inbound_ack(&inbound, 5);
    (void)nx_inbound_ack(&inbound, 6);
    assert_int_equal(nx_inbound_counted(&inbound), 1);
    assert_true(nx_inbound_release(&inbound, 6));
    assert_false(nx_inbound_release(&inbound, 6));
    assert_int_equal(nx_inbound_counted(&inbound), 0);
}

static void what_was_received_outlives_the_connection_and_does_not_count_on_the_next(void **state)
{
    (void)state;
    nx_inbound_hold(&inbound, 6, 2);
    (void)nx_inbound_ack(&inbound, 6);
    nx_inbound_hold(&inbound, 7, 2);
    nx_inbound_cut(&inbound);
    assert_int_equal(nx_inbound_held(&inbound) + nx_inbound_counted(&inbound), 0);
    assert_int_equal(nx_inbound_ack(&inbound, 7), 0);
    assert_true(nx_inbound_release(&inbound, 6));
    assert_false(nx_inbound_release(&inbound, 7));
}

static void an_identifier_that_is_used_anew_before_its_release_still_counts(void **state)
{
    (void)state;
    nx_inbound_hold(&inbound, 6, 2);
    (void)nx_inbound_ack(&inbound, 6);
    nx_inbound_hold(&inbound, 6, 1);
    assert_true(nx_inbound_release(&inbound, 6));
    assert_int_equal(nx_inbound_counted(&inbound), 1);
    assert_int_equal(nx_inbound_ack(&inbound, 6), 1);
    assert_int_equal(nx_inbound_counted(&inbound), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(an_acknowledgement_is_due_once_at_the_qos_of_the_message),
        TEST(qos_2_counts_until_its_release),
        TEST(what_was_received_outlives_the_connection_and_does_not_count_on_the_next),
        TEST(an_identifier_that_is_used_anew_before_its_release_still_counts),
    };

    return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
