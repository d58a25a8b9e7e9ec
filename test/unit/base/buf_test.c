/*
 * buf_test.c - a buffer grows up to its maximum, and remembers what did not fit.
 */
#include "test/unit/unit.h"

#include "core/base/buf.h"

static void assert_content(const struct nx_buf *buf, const char *expected)
{
    assert_int_equal(buf->len, strlen(expected));
    assert_memory_equal(buf->data, expected, buf->len);
}

static void pieces_follow_one_another(void **state)
{
    struct nx_buf buf;
    char *room;

    (void)state;
    nx_buf_init(&buf, 1000);
    assert_int_equal(nx_buf_str(&buf, ""), NX_OK);
    assert_int_equal(nx_buf_add(&buf, NULL, 0), NX_OK);
    assert_int_equal(nx_buf_byte(&buf, 'a'), NX_OK);
    assert_int_equal(nx_buf_span(&buf, NX_SPAN("bc")), NX_OK);
    assert_int_equal(nx_buf_str(&buf, "de"), NX_OK);
    assert_int_equal(nx_buf_printf(&buf, "%d", 12), NX_OK);
    assert_int_equal(nx_buf_reserve(&buf, 3, &room), NX_OK);
    memcpy(room, "xyz", 3);
    buf.len += 3;
    assert_content(&buf, "abcde12xyz");
    nx_buf_consume(&buf, 7);
    assert_content(&buf, "xyz");
    nx_buf_fini(&buf);
}

/* Every length up to the maximum can be reached, byte by byte or at once, and none beyond. */
static void the_maximum_is_reached_and_never_passed(void **state)
{
    enum { MAX = 300 };
    static const char bytes[MAX + 1] = {0};
    struct nx_buf buf;

    (void)state;
    nx_buf_init(&buf, MAX);
    for (int i = 0; i < MAX; i++) {
        assert_int_equal(nx_buf_byte(&buf, 'a'), NX_OK);
        assert_true(buf.cap <= MAX);
    }
    assert_int_equal(nx_buf_byte(&buf, 'a'), NX_ERR_LIMIT);
    assert_int_equal(buf.len, MAX);
    nx_buf_fini(&buf);
    assert_int_equal(nx_buf_add(&buf, bytes, MAX + 1), NX_ERR_LIMIT);
    assert_int_equal(nx_buf_error(&buf), NX_ERR_LIMIT);
    nx_buf_reset(&buf);
    assert_int_equal(nx_buf_add(&buf, bytes, MAX), NX_OK);
    nx_buf_fini(&buf);
}

static void a_piece_that_does_not_fit_is_remembered_and_changes_nothing(void **state)
{
    struct nx_buf buf;
    char *room;

    (void)state;
    nx_buf_init(&buf, 4);
    assert_int_equal(nx_buf_str(&buf, "abc"), NX_OK);
    assert_int_equal(nx_buf_str(&buf, "de"), NX_ERR_LIMIT);
    assert_int_equal(nx_buf_reserve(&buf, SIZE_MAX, &room), NX_ERR_LIMIT);
    assert_content(&buf, "abc");
    assert_int_equal(nx_buf_byte(&buf, 'd'), NX_OK);
    assert_content(&buf, "abcd");
    assert_int_equal(nx_buf_error(&buf), NX_ERR_LIMIT);
    nx_buf_reset(&buf);
    assert_int_equal(nx_buf_error(&buf), NX_OK);
    assert_content(&buf, "");
    nx_buf_fini(&buf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_one_another),
        cmocka_unit_test(the_maximum_is_reached_and_never_passed),
        cmocka_unit_test(a_piece_that_does_not_fit_is_remembered_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
