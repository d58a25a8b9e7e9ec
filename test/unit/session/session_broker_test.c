/*
 * session_broker_test.c - sessions against a real mosquitto: delivery, kept sessions, refusals,
 * take-over, TLS.
 */
#include "real_broker.h"
#include "session_rig.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { SKIPPED = 77, MANY = 5000 };

static struct real_broker *plain, *tls;

static struct nx_session_tls tls_by(const char *ca)
{
    static char ca_file[REAL_PATH_BYTES], cert_file[REAL_PATH_BYTES], key_file[REAL_PATH_BYTES];

    return (struct nx_session_tls){
        .enabled = true,
        .ca_file = real_broker_file(tls, ca, ca_file),
        .cert_file = real_broker_file(tls, "client.pem", cert_file),
        .key_file = real_broker_file(tls, "client.key", key_file),
    };
}

static void assert_told(const struct rig *rig, const char *words)
{
    if (strstr(rig->story, words) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", words, rig->story);
    }
}

/* ---- many messages to oneself and back ---- */

static uint64_t sent, answered_next, received_next;

static void pump(struct rig *rig)
{
    char payload[32];

    while (sent < MANY) {
        (void)snprintf(payload, sizeof(payload), "%lu", (unsigned long)sent);
        if (rig_publish(rig, "many", payload, sent) != NX_OK) {
            return;
        }
        sent++;
    }
}

static void check_answer(struct rig *rig, uint64_t token)
{
    assert_int_equal(token, answered_next++);
    if (answered_next == MANY) {
        (void)snprintf(rig->story + strlen(rig->story), 32, "all answered; ");
    }
}

static void check_message(struct rig *rig, const struct nx_mqtt_publish *publish)
{
    char payload[32];

    (void)snprintf(payload, sizeof(payload), "%lu", (unsigned long)received_next++);
    assert_true(nx_span_is(publish->payload, payload));
    nx_session_ack(rig->session, nx_session_connection(rig->session), publish->packet_id);
    if (received_next == MANY) {
        (void)snprintf(rig->story + strlen(rig->story), 32, "all received; ");
    }
}

static void send_many(struct real_broker *broker, uint8_t level, struct nx_session_tls config)
{
    struct rig *sender = rig_new(real_broker_port(broker));
    struct rig *receiver = rig_new(real_broker_port(broker));
    char name[2][16];

    for (unsigned i = 0; i < 2; i++) {
        struct rig *rig = i == 0 ? sender : receiver;
        (void)snprintf(name[i], sizeof(name[i]), "many-%u-%u", level, i);
        rig->config.client_id = name[i];
        rig->config.protocol_level = level;
        rig->config.receive_max = 65535;
        rig->config.output_bytes_max = 4096; /* so that it is full now and then */
        rig->config.tls = config;
        rig->quiet = true;
    }
    sent = answered_next = received_next = 0;
    rig_start(receiver);
    rig_run_until(receiver, "up ");
    rig_subscribe(receiver, "many");
    rig_run_until(receiver, "subscribed 00");
    receiver->on_message = check_message;

    sender->on_up = pump;
    sender->on_room = pump;
    sender->on_answered = check_answer;
    rig_start(sender);
    rig_run_until(sender, "all answered");
    rig_run_until(receiver, "all received");
    rig_stop(sender);
    rig_stop(receiver);
    assert_int_equal(receiver->messages, MANY);
    rig_free(sender);
    rig_free(receiver);
}

static void thousands_arrive_once_and_in_order(void **state)
{
    (void)state;
    send_many(plain, NX_MQTT_5, (struct nx_session_tls){.enabled = false});
    send_many(plain, NX_MQTT_3_1_1, (struct nx_session_tls){.enabled = false});
}

static void thousands_arrive_over_tls_with_a_client_certificate(void **state)
{
    (void)state;
    send_many(tls, NX_MQTT_5, tls_by("ca.pem"));
}

/* ---- messages larger than a TLS record and than the socket's buffers ---- */

enum { LARGE_BYTES = 300 * 1000, LARGE_COUNT = 20 };

static char large[LARGE_BYTES];

static void subscribe_to_large(struct rig *rig)
{
    rig_subscribe(rig, "large/#");
}

static void check_large(struct rig *rig, const struct nx_mqtt_publish *publish)
{
    assert_int_equal(publish->payload.len, LARGE_BYTES);
    assert_memory_equal(publish->payload.ptr, large, LARGE_BYTES);
    nx_session_ack(rig->session, nx_session_connection(rig->session), publish->packet_id);
    if (rig->messages == LARGE_COUNT) {
        (void)snprintf(rig->story + strlen(rig->story), 32, "all received; ");
    }
}

static void send_large(struct real_broker *broker, struct nx_session_tls config)
{
    const struct nx_mqtt_publish publish = {
        .topic = NX_SPAN("large/a"), .payload = {large, LARGE_BYTES}, .qos = 1};
    struct rig *sender = rig_new(real_broker_port(broker));
    struct rig *receiver = rig_new(real_broker_port(broker));

    for (size_t i = 0; i < LARGE_BYTES; i++) {
        large[i] = (char)(i * 31 + i / 251);
    }
    receiver->config.client_id = "large-receiver";
    receiver->config.packet_bytes_max = 1 << 20;
    receiver->on_up = subscribe_to_large;
    receiver->on_message = check_large;
    sender->config.client_id = "large-sender";
    sender->config.output_bytes_max = 8 << 20;
    sender->config.tls = receiver->config.tls = config;
    sender->quiet = receiver->quiet = true;
    rig_start(receiver);
    rig_run_until(receiver, "subscribed 00");
    rig_start(sender);
    rig_run_until(sender, "up ");
    for (uint64_t i = 0; i < LARGE_COUNT; i++) {
        assert_int_equal(nx_session_publish(sender->session, &publish, i), NX_OK);
    }
    rig_stop(sender); /* all of it is written and answered before the farewell */
    assert_int_equal(sender->answers, LARGE_COUNT);
    rig_run_until(receiver, "all received");
    rig_stop(receiver);
    rig_free(sender);
    rig_free(receiver);
}

static void large_messages_arrive_whole(void **state)
{
    (void)state;
    send_large(plain, (struct nx_session_tls){.enabled = false});
    send_large(tls, tls_by("ca.pem"));
}

/* ---- kept sessions ---- */

static void subscribe_to_kept(struct rig *rig)
{
    rig_subscribe(rig, "kept");
}

static void what_was_not_acknowledged_comes_again(void **state)
{
    struct rig *rig = rig_new(real_broker_port(plain));
    struct rig *sender = rig_new(real_broker_port(plain));

    (void)state;
    sender->config.client_id = "sender";
    rig_start(sender);
    rig_run_until(sender, "up ");

    rig->config.client_id = "keeper";
    rig->on_up = subscribe_to_kept;
    rig_start(rig);
    rig_run_until(rig, "subscribed 00");
    assert_int_equal(rig_publish(sender, "kept", "1", 1), NX_OK);
    rig_run_until(sender, "answered 1 ");
    rig_run_until(rig, "message kept=1; "); /* and not acknowledged */
    nx_session_free(rig->session);
    rig->session = NULL;

    assert_int_equal(rig_publish(sender, "kept", "2", 2), NX_OK);
    rig_run_until(sender, "answered 2 ");
    rig->story[0] = '\0';
    rig->on_up = NULL;
    rig_start(rig);
    rig_run_until(rig, "kept=2; "); /* maybe "again", where it was sent into the dead connection */
    assert_told(rig, "up kept; message again kept=1; message");
    rig_stop(rig);
    rig_stop(sender);
    rig_free(rig);
    rig_free(sender);
}

static void a_broker_that_is_killed_is_found_again(void **state)
{
    struct rig *rig = rig_new(real_broker_port(plain));

    (void)state;
    rig->config.client_id = "survivor";
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    real_broker_kill(plain);
    rig_run_until(rig, "Connection refused");
    rig->story[0] = '\0';
    real_broker_start(plain);
    rig_run_until(rig, "up new; ");
    rig_stop(rig);
    rig_free(rig);
}

static void another_client_with_the_same_identifier_ends_the_first(void **state)
{
    struct rig *first = rig_new(real_broker_port(plain));
    struct rig *second = rig_new(real_broker_port(plain));

    (void)state;
    first->config.client_id = second->config.client_id = "twin";
    first->config.backoff_ms_max = 60 * 60 * 1000;
    rig_start(first);
    rig_run_until(first, "up ");
    rig_start(second);
    rig_run_until(second, "up ");
    rig_run_until(first, "down ");
    /* 2.0.11 closes without a word, later versions say "session taken over" */
    assert_told(first, "127.0.0.1");
    rig_stop(second);
    rig_free(first);
    rig_free(second);
}

/* ---- refusals ---- */

static void a_wrong_password_is_refused(void **state)
{
    struct rig *rig = rig_new(real_broker_port(plain));

    (void)state;
    rig->config.password = "wrong";
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_told(rig, "not authorized (0x87)"); /* 2.0.11 says so for a wrong password */
    rig_free(rig);
}

static void refused_over_tls(const char *ca, const char *server_name, const char *words)
{
    struct rig *rig = rig_new(real_broker_port(tls));

    rig->config.tls = tls_by(ca);
    rig->config.tls.server_name = server_name;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_told(rig, words);
    rig_free(rig);
}

static void a_certificate_of_another_ca_is_refused(void **state)
{
    (void)state;
    refused_over_tls("other.pem", NULL, "is not signed by a CA of ");
}

static void a_certificate_with_another_name_is_refused(void **state)
{
    (void)state;
    refused_over_tls("ca.pem", "elsewhere.example", "does not name 'elsewhere.example'");
    refused_over_tls("ca.pem", "127.0.0.2", "does not name '127.0.0.2'");
}

static void a_client_without_a_certificate_is_told(void **state)
{
    struct rig *rig = rig_new(real_broker_port(tls));

    (void)state;
    rig->config.tls = tls_by("ca.pem");
    rig->config.tls.cert_file = rig->config.tls.key_file = NULL;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_told(rig, "refused the TLS connection");
    assert_told(rig, "certificate required");
    rig_free(rig);
}

static void an_expired_certificate_is_refused(void **state)
{
    (void)state;
    real_broker_expire(tls);
    refused_over_tls("ca.pem", NULL, "has expired");
}

/* ---- certificates that are read again ---- */

static void write_file(const char *path, const char *bytes, size_t len)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void a_broken_certificate_is_told_and_what_worked_goes_on(void **state)
{
    struct rig *rig = rig_new(real_broker_port(tls));
    struct nx_session_stats stats;
    struct nx_diag diag = {0};
    char path[REAL_PATH_BYTES];
    char good[8192];
    size_t len;
    FILE *in = fopen(real_broker_file(tls, "client.pem", path), "r");

    (void)state;
    assert_non_null(in);
    len = fread(good, 1, sizeof(good), in);
    assert_int_equal(fclose(in), 0);

    rig->config.tls = tls_by("ca.pem");
    rig->config.client_id = "reloads";
    rig_start(rig);
    rig_run_until(rig, "up new; ");
    assert_int_equal(nx_session_reload(rig->session, &diag), NX_OK);
    write_file(path, "no certificate", 14);
    assert_int_equal(nx_session_reload(rig->session, &diag), NX_ERR_IO);
    assert_non_null(strstr(diag.text, path));
    assert_true(nx_session_is_up(rig->session));

    rig->story[0] = '\0';
    real_broker_kill(tls);
    rig_run_until(rig, "Connection refused");
    real_broker_start(tls);
    rig_run_until(rig, "up new; "); /* with what was read before */
    assert_non_null(strstr(rig->log_text, "what was read before is used"));
    nx_session_stats(rig->session, &stats);
    assert_int_equal(stats.connects, 2);

    write_file(path, good, len);
    assert_int_equal(nx_session_reload(rig->session, &diag), NX_OK);
    rig_stop(rig);
    rig_free(rig);
}

static void tls_to_a_plain_port_is_told(void **state)
{
    struct rig *rig = rig_new(real_broker_port(plain));

    (void)state;
    rig->config.tls.enabled = true;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_told(rig, "broke off the TLS handshake (no TLS port?)");
    rig_free(rig);
}

static void plain_to_a_tls_port_is_told(void **state)
{
    struct rig *rig = rig_new(real_broker_port(tls));

    (void)state;
    rig_start(rig);
    rig_run_until(rig, "down ");
    assert_told(rig, "before the CONNACK (does this port speak MQTT ");
    rig_free(rig);
}

static int set_up(void **state)
{
    (void)state;
    plain = real_broker_new(false);
    tls = real_broker_new(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    real_broker_free(plain);
    real_broker_free(tls);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_arrive_once_and_in_order),
        cmocka_unit_test(thousands_arrive_over_tls_with_a_client_certificate),
        cmocka_unit_test(large_messages_arrive_whole),
        cmocka_unit_test(what_was_not_acknowledged_comes_again),
        cmocka_unit_test(a_broker_that_is_killed_is_found_again),
        cmocka_unit_test(another_client_with_the_same_identifier_ends_the_first),
        cmocka_unit_test(a_wrong_password_is_refused),
        cmocka_unit_test(a_certificate_of_another_ca_is_refused),
        cmocka_unit_test(a_certificate_with_another_name_is_refused),
        cmocka_unit_test(a_broken_certificate_is_told_and_what_worked_goes_on),
        cmocka_unit_test(tls_to_a_plain_port_is_told),
        cmocka_unit_test(plain_to_a_tls_port_is_told),
        cmocka_unit_test(a_client_without_a_certificate_is_told),
        cmocka_unit_test(an_expired_certificate_is_refused), /* and stays so: last */
    };

    if (!real_broker_available()) {
        (void)fprintf(stderr, "skipped: mosquitto, mosquitto_passwd and openssl are needed\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests_name("session_broker", tests, set_up, tear_down);
}
