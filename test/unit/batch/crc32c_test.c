/*
 * crc32c_test.c - the checksum against the examples of its standard and a bit-by-bit twin.
 */
#include "core/batch.h"
#include "test/unit/unit.h"

#include <stdlib.h>

static uint32_t crc_of(const unsigned char *bytes, size_t len)
{
    return nx_crc32c(0, (struct nx_span){(const char *)bytes, len});
}

/* RFC 3720 appendix B.4 */
static void gives_the_examples_of_rfc_3720(void **state)
{
    static const unsigned char read_command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};
    unsigned char bytes[32];

    (void)state;
    memset(bytes, 0x00, sizeof(bytes));
    assert_int_equal(crc_of(bytes, sizeof(bytes)), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof(bytes));
    assert_int_equal(crc_of(bytes, sizeof(bytes)), 0x62A8AB43);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)i;
    }
    assert_int_equal(crc_of(bytes, sizeof(bytes)), 0x46DD794E);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(crc_of(bytes, sizeof(bytes)), 0x113FDB5C);
    assert_int_equal(crc_of(read_command, sizeof(read_command)), 0xD9963A56);
}

static uint32_t bit_by_bit(const unsigned char *bytes, size_t len)
{
    uint32_t crc = ~0U;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
        }
    }
    return ~crc;
}

static void agrees_with_its_definition_at_every_length_and_alignment(void **state)
{
    unsigned char bytes[300];
    uint32_t x = 1;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        x = x * 1664525U + 1013904223U;
        bytes[i] = (unsigned char)(x >> 24);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t len = 0; len <= 256; len++) {
            const struct nx_span part = {(const char *)bytes + from, len};

            assert_int_equal(crc_of(bytes + from, len), bit_by_bit(bytes + from, len));
            assert_int_equal(nx_crc32c_by_table(0, part), bit_by_bit(bytes + from, len));
            assert_int_equal(nx_crc32c_by_table(7, part), nx_crc32c(7, part));
        }
    }
}

static void may_be_computed_piece_by_piece(void **state)
{
    static const char text[] = "123456789";

    (void)state;
    for (size_t cut = 0; cut <= 9; cut++) {
        uint32_t crc = nx_crc32c(0, (struct nx_span){text, cut});

        assert_int_equal(nx_crc32c(crc, (struct nx_span){text + cut, 9 - cut}), 0xE3069283);
    }
    assert_int_equal(nx_crc32c(0, (struct nx_span){NULL, 0}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_examples_of_rfc_3720),
        cmocka_unit_test(agrees_with_its_definition_at_every_length_and_alignment),
        cmocka_unit_test(may_be_computed_piece_by_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
