/*
 * mqtt_hex.h - packets in tests are written as hexadecimal digits, so that they can be held beside
 * the standard's tables.
 */
#ifndef NX_TEST_MQTT_HEX_H
#define NX_TEST_MQTT_HEX_H

#include "core/mqtt.h"

enum { HEX_BYTES_MAX = 1024 };

struct hex {
    char bytes[HEX_BYTES_MAX];
    size_t len;
};

/* "30 03 'a/b'": two digits are a byte, text between quotes stands for itself. */
struct hex hex(const char *text);

/* The packet in `h`, which holds exactly one. */
struct nx_mqtt_packet packet_of(const struct hex *h);

/* Fails the test unless `out` holds what `text` says; empties it. */
void assert_bytes(struct nx_buf *out, const char *text);

#endif
