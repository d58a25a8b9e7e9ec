/*
 * explain.h - one decision of the gate, asked for by a person: may this identity publish, receive
 * or subscribe to that, why, and which rule says so. The same code that decides is asked; nothing
 * is counted and nobody is told. Pure: $CONTROL asks in the broker, nexusctl without one.
 */
#ifndef NX_PLUGIN_EXPLAIN_H
#define NX_PLUGIN_EXPLAIN_H

#include "core/rights.h"
#include "plugin/gate.h"

struct nx_question {
    struct nx_span username; /* {NULL, 0}: an anonymous client */
    enum nx_access access;
    struct nx_span topic;   /* of a subscription: the filter as the client sends it */
    struct nx_span payload; /* publish: judged too when `with_payload` */
    bool with_payload;
    bool retain;
};

enum nx_outcome {
    NX_OUTCOME_ALLOWED,
    NX_OUTCOME_WARNED, /* admitted although its schema refuses it: mode `warn` */
    NX_OUTCOME_DENIED,
    NX_OUTCOME_OUTSIDE, /* not below nexus/: plugin_opt_outside and the broker's own ACL decide */
};

/* "allowed", "warned", "denied", "outside". */
const char *nx_outcome_name(enum nx_outcome outcome);

struct nx_decision {
    enum nx_outcome outcome;
    const char *reason;         /* the stable word: "admitted", "outside", or why not: "asset" */
    struct nx_subject subject;  /* the row of city.json that the username is, and its capture */
    char rule[NX_RULE_SIZE];    /* the right that covers the topic, or "" */
    struct nx_span schema_name; /* the schema that the payload was held against, or empty */
    struct nx_explanation explanation;
};

/* Spans in *out point into the question and the scene. */
void nx_explain(struct nx_gate *gate, const struct nx_scene *scene,
                const struct nx_question *question, struct nx_decision *out);

#endif
