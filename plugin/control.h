/*
 * control.h - what operators ask the plugin on $CONTROL/nexus/v1, in the form of Mosquitto's own
 * control topics: {"commands":[{"command":"status","correlationData":"1"}]} is answered by
 * {"responses":[{"command":"status","data":{...},"correlationData":"1"}]}, or with "error".
 *
 * It knows neither the broker nor who asks: whoever calls has checked that it is an operator.
 */
#ifndef NX_PLUGIN_CONTROL_H
#define NX_PLUGIN_CONTROL_H

#include "core/base/log.h"
#include "plugin/gate.h"

#include <stdint.h>

enum {
    NX_CONTROL_REQUEST_BYTES_MAX = 64 * 1024,
    NX_CONTROL_COMMANDS_MAX = 16, /* in one request: each may load a configuration */
};

/* What the commands ask of the plugin. */
struct nx_control {
    void *ctx;
    struct nx_scene (*scene)(void *ctx); /* of now: a reload swaps it */
    struct nx_gate *gate;
    /* The status document as JSON, or NULL when memory is out; the caller gives it to cJSON_free. */
    char *(*status)(void *ctx);
    /* Loads anew and swaps, or keeps; its log lines, the faults among them, go to `log`. */
    enum nx_err (*reload)(void *ctx, const struct nx_log *log);
    uint64_t (*generation)(void *ctx);
    const struct nx_log *log;
    uint64_t seed; /* of the hash that reads requests */
};

/*
 * Carries out the commands of `request` one after the other and gives the answer, which the caller
 * gives to cJSON_free; NULL when memory is out.
 */
char *nx_control_answer(const struct nx_control *control, struct nx_span request);

#endif
