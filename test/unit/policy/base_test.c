/*
 * base_test.c - buffers with a maximum, the map, the arena, spans, diagnoses.
 */
#include "test/unit/unit.h"

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/os/file.h"

#include <stdio.h>

static void a_buffer_refuses_what_is_over_its_maximum_and_keeps_its_content(void **state)
{
    struct nx_buf buf;

    (void)state;
    nx_buf_init(&buf, 4);
    assert_int_equal(nx_buf_str(&buf, "abc"), NX_OK);
    assert_int_equal(nx_buf_str(&buf, "de"), NX_ERR_LIMIT);
    assert_true(nx_span_is(nx_buf_view(&buf), "abc"));
    assert_int_equal(nx_buf_byte(&buf, 'd'), NX_OK);
    assert_int_equal(nx_buf_error(&buf), NX_ERR_LIMIT);
    nx_buf_reset(&buf);
    assert_int_equal(nx_buf_error(&buf), NX_OK);
    nx_buf_fini(&buf);
}

static void printing_and_consuming_leave_the_right_bytes(void **state)
{
    struct nx_buf buf;

    (void)state;
    nx_buf_init(&buf, 64);
    assert_int_equal(nx_buf_printf(&buf, "%s-%d", "ab", 42), NX_OK);
    assert_int_equal(nx_buf_str(&buf, "AB"), NX_OK);
    assert_int_equal(nx_buf_add(&buf, "CDEF", 4), NX_OK);
    nx_buf_consume(&buf, 3);
    assert_true(nx_span_is(nx_buf_view(&buf), "42ABCDEF"));
    nx_buf_fini(&buf);
}

static void cutting_a_span_yields_every_part_empty_ones_too(void **state)
{
    struct nx_span rest = NX_SPAN("a//b/");
    const char *const parts[] = {"a", "", "b", ""};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(rest.ptr);
        assert_true(nx_span_is(nx_span_cut(&rest, '/'), parts[i]));
    }
    assert_null(rest.ptr);
}

static void a_span_with_a_nul_is_not_copied_as_text(void **state)
{
    char out[8];

    (void)state;
    assert_false(nx_span_copy(NX_SPAN("a\0b"), out, sizeof(out)));
    assert_false(nx_span_copy(NX_SPAN("12345678"), out, sizeof(out)));
    assert_true(nx_span_copy(NX_SPAN("1234567"), out, sizeof(out)));
    assert_string_equal(out, "1234567");
}

static void the_map_finds_what_is_left_after_every_removal(void **state)
{
    enum { COUNT = 2000 };
    static char keys[COUNT][8];
    struct nx_map map;

    (void)state;
    nx_map_init(&map, COUNT, 7);
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
        assert_int_equal(nx_map_put(&map, nx_span_from(keys[i]), keys[i]), NX_OK);
    }
    assert_int_equal(nx_map_put(&map, NX_SPAN("one more"), keys[0]), NX_ERR_LIMIT);
    for (size_t i = 0; i < COUNT; i += 3) {
        assert_ptr_equal(nx_map_remove(&map, nx_span_from(keys[i])), keys[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(nx_map_get(&map, nx_span_from(keys[i])), i % 3 == 0 ? NULL : keys[i]);
    }
    nx_map_fini(&map);
}

static void the_map_walks_each_entry_once(void **state)
{
    struct nx_map map;
    struct nx_span key;
    void *value;
    size_t at = 0, seen = 0;

    (void)state;
    nx_map_init(&map, 10, 1);
    assert_int_equal(nx_map_put(&map, NX_SPAN("a"), &at), NX_OK);
    assert_int_equal(nx_map_put(&map, NX_SPAN(""), &seen), NX_OK);
    while (nx_map_next(&map, &at, &key, &value)) {
        seen++;
    }
    assert_int_equal(seen, 2);
    nx_map_fini(&map);
}

static void the_arena_aligns_zeroes_and_stops_at_its_maximum(void **state)
{
    struct nx_arena arena;

    (void)state;
    nx_arena_init(&arena, 40000);
    for (size_t i = 1; i < 20; i++) {
        char *piece = nx_arena_alloc(&arena, i);
        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % _Alignof(max_align_t), 0);
        assert_int_equal(piece[i - 1], 0);
    }
    assert_non_null(nx_arena_alloc(&arena, 30000));
    assert_null(nx_arena_alloc(&arena, 30000));
    assert_null(nx_arena_array(&arena, SIZE_MAX / 2, 4));
    nx_arena_fini(&arena);
}

static void a_diagnosis_reads_as_file_line_column_pointer_text(void **state)
{
    struct nx_diag diag = {.pointer = "/a"};
    char out[256];

    (void)state;
    nx_diag_at(&diag, "x.json", 3, 7);
    nx_diag_set(&diag, "expected %s", "a number");
    assert_string_equal(nx_diag_format(&diag, out, sizeof(out)),
                        "x.json:3:7: /a: expected a number");
}

static void reading_a_file_that_is_absent_or_too_large_says_so(void **state)
{
    struct nx_diag diag = {0};
    struct nx_buf buf;

    (void)state;
    nx_buf_init(&buf, 16);
    assert_int_equal(nx_file_read("/nonexistent/x", &buf, &diag), NX_ERR_NOT_FOUND);
    assert_string_equal(diag.file, "/nonexistent/x");
    assert_int_equal(nx_file_read(__FILE__, &buf, &diag), NX_ERR_LIMIT);
    assert_non_null(strstr(diag.text, "larger than 16 bytes"));
    assert_int_equal(nx_file_read("/", &buf, &diag), NX_ERR_IO);
    nx_buf_fini(&buf);
}

static void keep_line(void *ctx, enum nx_log_level level, const char *line)
{
    (void)level;
    (void)snprintf(ctx, 64, "%s", line);
}

static void the_log_hands_formatted_lines_to_its_sink_from_its_level_on(void **state)
{
    char last[64] = "";
    struct nx_log log = {keep_line, last, NX_LOG_WARN};

    (void)state;
    nx_log(&log, NX_LOG_INFO, "quiet");
    assert_string_equal(last, "");
    nx_log(&log, NX_LOG_ERROR, "loud %d", 1);
    assert_string_equal(last, "loud 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_what_is_over_its_maximum_and_keeps_its_content),
        cmocka_unit_test(printing_and_consuming_leave_the_right_bytes),
        cmocka_unit_test(cutting_a_span_yields_every_part_empty_ones_too),
        cmocka_unit_test(a_span_with_a_nul_is_not_copied_as_text),
        cmocka_unit_test(the_map_finds_what_is_left_after_every_removal),
        cmocka_unit_test(the_map_walks_each_entry_once),
        cmocka_unit_test(the_arena_aligns_zeroes_and_stops_at_its_maximum),
        cmocka_unit_test(a_diagnosis_reads_as_file_line_column_pointer_text),
        cmocka_unit_test(reading_a_file_that_is_absent_or_too_large_says_so),
        cmocka_unit_test(the_log_hands_formatted_lines_to_its_sink_from_its_level_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
