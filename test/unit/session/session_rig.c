/*
 * session_rig.c - see session_rig.h.
 */
#include "session_rig.h"

#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RIG_WAIT_MS = 20 * 1000 };

static void add(char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(char *text, const char *fmt, ...)
{
    const size_t len = strlen(text);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text + len, RIG_TEXT_BYTES - len, fmt, args);
    va_end(args);
}

static void check_until(struct rig *rig)
{
    if (rig->until != NULL && strstr(rig->story, rig->until) != NULL) {
        nx_loop_stop(rig->loop);
    }
}

static void on_up(void *ctx, bool session_present)
{
    struct rig *rig = ctx;

    add(rig->story, "up %s; ", session_present ? "kept" : "new");
    if (rig->on_up != NULL) {
        rig->on_up(rig);
    }
    check_until(rig);
}

static void on_down(void *ctx, const char *why)
{
    struct rig *rig = ctx;

    add(rig->story, "down %s; ", why);
    check_until(rig);
}

static void on_message(void *ctx, const struct nx_mqtt_publish *publish)
{
    struct rig *rig = ctx;

    rig->messages++;
    if (!rig->quiet) {
        add(rig->story, "message%s %.*s=%.*s; ", publish->dup ? " again" : "",
            NX_SPAN_ARG(publish->topic), NX_SPAN_ARG(publish->payload));
    }
    if (rig->on_message != NULL) {
        rig->on_message(rig, publish);
    }
    check_until(rig);
}

static void on_answered(void *ctx, uint64_t token, uint8_t reason)
{
    struct rig *rig = ctx;

    rig->answers++;
    if (!rig->quiet) {
        add(rig->story, "answered %lu %02x; ", (unsigned long)token, reason);
    }
    if (rig->on_answered != NULL) {
        rig->on_answered(rig, token);
    }
    check_until(rig);
}

static void on_received(void *ctx, uint64_t token, uint16_t packet_id, uint8_t reason)
{
    struct rig *rig = ctx;

    if (!rig->quiet) {
        add(rig->story, "received %lu %02x; ", (unsigned long)token, reason);
    }
    if (rig->on_received != NULL) {
        rig->on_received(rig, token, packet_id);
    }
    check_until(rig);
}

static void on_subscribed(void *ctx, uint8_t reason)
{
    struct rig *rig = ctx;

    add(rig->story, "subscribed %02x; ", reason);
    check_until(rig);
}

static void on_room(void *ctx)
{
    struct rig *rig = ctx;

    if (!rig->quiet) {
        add(rig->story, "room; ");
    }
    if (rig->on_room != NULL) {
        rig->on_room(rig);
    }
    check_until(rig);
}

static const struct nx_session_events events = {
    .up = on_up,
    .down = on_down,
    .message = on_message,
    .answered = on_answered,
    .received = on_received,
    .subscribed = on_subscribed,
    .room = on_room,
};

static void write_log(void *ctx, enum nx_log_level level, const char *line)
{
    struct rig *rig = ctx;

    (void)level;
    add(rig->log_text, "%s\n", line);
}

static void on_guard(void *ctx)
{
    struct rig *rig = ctx;

    rig->timed_out = true;
    nx_loop_stop(rig->loop);
}

struct rig *rig_new(uint16_t port)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    rig->log = (struct nx_log){.write = write_log, .ctx = rig, .level_min = NX_LOG_DEBUG};
    assert_int_equal(nx_loop_new(&rig->log, &rig->loop), NX_OK);
    rig->guard = nx_timer_new(rig->loop, on_guard, rig);
    assert_non_null(rig->guard);
    rig->config = (struct nx_session_config){
        .name = "test",
        .host = "127.0.0.1",
        .port = port,
        .client_id = "nx",
        .username = "u",
        .password = "pw",
        .protocol_level = NX_MQTT_5,
        .session_expiry_s = 60,
        .receive_max = 100,
        .packet_bytes_max = 65536,
        .output_bytes_max = 1 << 20,
        .backoff_ms_min = 1,
        .backoff_ms_max = 8,
        .seed = 1,
    };
    return rig;
}

void rig_free(struct rig *rig)
{
    nx_session_free(rig->session);
    nx_timer_free(rig->guard);
    nx_loop_free(rig->loop);
    free(rig);
}

void rig_start(struct rig *rig)
{
    struct nx_diag diag = {0};

    if (nx_session_new(rig->loop, &rig->log, &rig->config, &events, rig, &rig->session, &diag) !=
        NX_OK) {
        fail_msg("%s", diag.text);
    }
    nx_session_start(rig->session);
}

static void on_turn(void *ctx)
{
    struct rig *rig = ctx;

    if (rig->on_turn != NULL) {
        rig->on_turn(rig);
    }
    nx_session_flush(rig->session);
}

void rig_run_until(struct rig *rig, const char *text)
{
    rig->until = text;
    if (strstr(rig->story, text) != NULL) {
        return;
    }
    nx_timer_set(rig->guard, RIG_WAIT_MS);
    assert_int_equal(nx_loop_run(rig->loop, on_turn, rig), NX_OK);
    nx_timer_clear(rig->guard);
    if (rig->timed_out) {
        fail_msg("never came: \"%s\"; what came: \"%s\"", text, rig->story);
    }
}

enum nx_err rig_publish(struct rig *rig, const char *topic, const char *payload, uint64_t token)
{
    const struct nx_mqtt_publish publish = {
        .topic = nx_span_from(topic), .payload = nx_span_from(payload), .qos = 1};

    return nx_session_publish(rig->session, &publish, token);
}

enum nx_err rig_publish_2(struct rig *rig, const char *topic, const char *payload,
                          uint16_t packet_id, bool dup, uint64_t token)
{
    const struct nx_mqtt_publish publish = {.topic = nx_span_from(topic),
                                            .payload = nx_span_from(payload),
                                            .qos = 2,
                                            .dup = dup,
                                            .packet_id = packet_id};

    return nx_session_publish(rig->session, &publish, token);
}

void rig_subscribe(struct rig *rig, const char *filter)
{
    const struct nx_span filters[] = {nx_span_from(filter)};

    assert_int_equal(nx_session_subscribe(rig->session, filters, 1, 1), NX_OK);
}

void rig_stop(struct rig *rig)
{
    nx_session_stop(rig->session);
    rig_run_until(rig, "down stopped; ");
}
