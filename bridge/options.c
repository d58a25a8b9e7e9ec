/*
 * options.c - the table of what may be tuned.
 */
#include "bridge/options.h"

#define OPT(name, min, max, value, unit, help)                                                     \
    {                                                                                              \
#name, offsetof(struct nx_tuning, name), min, max, value, unit, help                       \
    }

#define KIB (1024u)
#define MIB (1024u * 1024u)

const struct nx_option nx_options[] = {
    OPT(commit_batch_max, 1, 65535, 1024, "readings",
        "One transaction holds at most so many; when idle each is committed at once."),
    OPT(held_bytes_max, 4 * MIB, 1024 * MIB, 64 * MIB, "bytes",
        "Memory for what came and is not yet durable; beyond it the broker keeps the rest."),
    OPT(window, 1, 65535, 8000, "records",
        "A link that delivers one by one has at most so many unanswered at the peer."),
    OPT(batch_window, 1, 1024, 32, "batches",
        "A link that delivers batches has at most so many unanswered at the peer."),
    OPT(batch_readings, 1, 1024, 512, "readings", "A batch holds at most so many."),
    OPT(batch_bytes, 4 * KIB, 512 * KIB, 512 * KIB, "bytes", "A batch is at most so large."),
    OPT(ask_ms_min, 10, 60000, 2000, "ms",
        "A receiver that does not answer is asked again after so long, then after twice that."),
    OPT(ask_ms_max, 100, 3600000, 30000, "ms", "Pause between such questions at most."),
    /* below 65535, so that an identifier's answer is known before it is used anew */
    OPT(receive_max, 1, 57343, 57343, "messages",
        "Receive maximum of MQTT 5: what the broker may send before the first acknowledgement."),
    OPT(packet_bytes_max, 64 * KIB, 256 * MIB - 1, 2 * MIB, "bytes",
        "Maximum packet size of MQTT 5 that the broker may send."),
    OPT(output_bytes_max, 64 * KIB, 256 * MIB, 4 * MIB, "bytes",
        "What may wait for a slow connection before its links pause."),
    OPT(backoff_ms_min, 10, 60000, 250, "ms", "Pause before the first repeated attempt."),
    OPT(backoff_ms_max, 10, 3600000, 15000, "ms", "Pause between attempts at most."),
    OPT(keepalive_s, 1, 65535, 30, "s", "Keep alive of the MQTT sessions."),
    OPT(session_expiry_s, 60, UINT32_MAX, 604800, "s",
        "How long a broker keeps the session of a bridge that is away; 4294967295: for ever."),
    OPT(cursor_save_ms, 0, 60000, 200, "ms",
        "A link's progress is persisted with the next commit, at the latest after this."),
    OPT(drain_ms, 0, 60000, 3000, "ms", "A clean stop waits so long for what is in flight."),
    OPT(status_period_s, 1, 3600, 5, "s", "Time between status messages that tell no change."),
};

const size_t nx_options_count = sizeof(nx_options) / sizeof(nx_options[0]);

uint32_t *nx_option_at(struct nx_tuning *tuning, const struct nx_option *option)
{
    return (uint32_t *)(void *)((char *)tuning + option->offset);
}

void nx_tuning_defaults(struct nx_tuning *tuning)
{
    for (size_t i = 0; i < nx_options_count; i++) {
        *nx_option_at(tuning, &nx_options[i]) = nx_options[i].value;
    }
}
