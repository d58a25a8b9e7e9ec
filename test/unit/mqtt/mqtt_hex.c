/*
 * mqtt_hex.c - see mqtt_hex.h.
 */
#include "mqtt_hex.h"

#include "test/unit/unit.h"

#include <ctype.h>
#include <stdlib.h>

struct hex hex(const char *text)
{
    struct hex h = {.len = 0};
    bool quoted = false;

    for (const char *at = text; *at != '\0'; at++) {
        assert_true(h.len < HEX_BYTES_MAX);
        if (*at == '\'') {
            quoted = !quoted;
        } else if (quoted) {
            h.bytes[h.len++] = *at;
        } else if (!isspace((unsigned char)*at)) {
            const char digits[3] = {at[0], at[1], '\0'};
            char *end;
            h.bytes[h.len++] = (char)strtoul(digits, &end, 16);
            assert_ptr_equal(end, digits + 2);
            at++;
        }
    }
    return h;
}

struct nx_mqtt_packet packet_of(const struct hex *h)
{
    struct nx_mqtt_packet packet;

    assert_int_equal(nx_mqtt_frame((struct nx_span){h->bytes, h->len}, HEX_BYTES_MAX, &packet),
                     NX_OK);
    assert_int_equal(packet.size, h->len);
    return packet;
}

void assert_bytes(struct nx_buf *out, const char *text)
{
    const struct hex want = hex(text);

    assert_int_equal(out->len, want.len);
    assert_memory_equal(out->data, want.bytes, want.len);
    nx_buf_reset(out);
}
