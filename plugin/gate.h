/*
 * gate.h - the judgement of one publication: namespace, size, JSON, schema. Pure: identity, topic
 * and bytes in, a verdict out; no clock, no broker, no counter.
 *
 * Judging is for every message and says only yes or the reason; explaining finds the words, and
 * is for the refused ones that are told.
 */
#ifndef NX_PLUGIN_GATE_H
#define NX_PLUGIN_GATE_H

#include "core/policy.h"
#include "plugin/usage.h"

/* Why a publication was refused. The first ones are nx_verdict's, in its order. */
enum nx_reason {
    NX_REASON_ADMITTED,
    NX_REASON_TOPIC,
    NX_REASON_IDENTITY,
    NX_REASON_CITY,
    NX_REASON_DOMAIN,
    NX_REASON_ASSET,
    NX_REASON_CHANNEL,
    NX_REASON_ROLE,
    NX_REASON_SIZE,     /* more bytes than plugin_opt_payload_max, or than the identity may */
    NX_REASON_RATE,     /* more messages per second than the identity may */
    NX_REASON_BYTES,    /* more bytes per second */
    NX_REASON_ASSETS,   /* more different assets */
    NX_REASON_EMPTY,    /* no bytes, and not the clearing of a retained message */
    NX_REASON_JSON,     /* not RFC 8259 */
    NX_REASON_SCHEMA,   /* JSON that its schema refuses */
    NX_REASON_LIMIT,    /* nested too deep, too many values, or a pattern that ran too long */
    NX_REASON_INTERNAL, /* no memory, or an invariant of ours is broken: refused to be safe */
    NX_REASON_COUNT
};

/* The stable word for scripts and counters: "city", "schema", ... */
const char *nx_reason_name(enum nx_reason reason);

/* Where it is judged: one configuration and the broker's own city in it. */
struct nx_scene {
    const struct nx_config *config;
    const struct nx_city *city;
};

struct nx_publication {
    struct nx_span topic;
    struct nx_span payload;
    struct nx_span username; /* as the client gave it; {NULL, 0}: anonymous */
    const struct nx_subject *subject;
    bool retain;
    /* What is not needed may be left out. */
    const struct nx_topic *parsed;  /* the topic taken apart, and then also ... */
    enum nx_verdict verdict;        /* ... the subject's right to publish on it, ... */
    const struct nx_domain *domain; /* ... and the city's domain of a stream, or NULL */
    struct nx_usage *usage;         /* charged with this message; NULL: limits do not apply */
    uint64_t now_ms;                /* monotonic, for the usage */
    bool late_rates; /* a rate is refused later, by who calls: judge as if it were not exceeded */
};

struct nx_judgement {
    enum nx_reason reason;
    bool warned; /* admitted all the same: the domain's mode is `warn` */
    bool clears; /* an empty retained payload from whom the topic belongs to */
    /* With late_rates: admitted as far as it goes, to be refused for this; else ADMITTED. */
    enum nx_reason later;
    const struct nx_topic *topic;   /* valid until the next judgement */
    const struct nx_schema *schema; /* the one it was checked against, or NULL */
    struct nx_span schema_name;     /* "ulsan-air@1" */
};

struct nx_gate;

/* `payload_bytes_max` as in the option. NULL when memory is out. */
struct nx_gate *nx_gate_new(uint32_t payload_bytes_max, uint64_t seed);
void nx_gate_free(struct nx_gate *gate);

/* Judges. The topic is below nexus/. What *out points at is the gate's, the publication's and the scene's. */
void nx_gate_judge(struct nx_gate *gate, const struct nx_scene *scene,
                   const struct nx_publication *publication, struct nx_judgement *out);

/* A refusal in words that a sensor's owner can act on. Strings are cut on overflow. */
struct nx_explanation {
    char instance[192];       /* JSON Pointer into the payload */
    char keyword[40];         /* of the schema */
    char schema_pointer[256]; /* JSON Pointer of that keyword in the schema */
    char text[512];
    unsigned faults;       /* of the schema's: how many there are, 8 at most */
    unsigned line, column; /* of malformed JSON, 1-based, in bytes; 0: not known */
    size_t offset;         /* the same as bytes from the start */
};

/* Explains the judgement made just before, of the same publication. */
__attribute__((cold)) void nx_gate_explain(struct nx_gate *gate, const struct nx_scene *scene,
                                           const struct nx_publication *publication,
                                           const struct nx_judgement *judgement,
                                           struct nx_explanation *out);

#endif
