/*
 * compat.c - the answer: proof first, then a witness, else the reason why neither came out.
 */
#include "core/compat_plan.h"

#include <assert.h>
#include <stdlib.h>

const char *nx_compat_answer_name(enum nx_compat_answer answer)
{
    static const char *const names[] = {
        [NX_COMPATIBLE] = "compatible",
        [NX_INCOMPATIBLE] = "incompatible",
        [NX_COMPAT_UNKNOWN] = "unknown",
    };

    return names[answer];
}

void nx_compat_result_init(struct nx_compat_result *result)
{
    *result = (struct nx_compat_result){.answer = NX_COMPAT_UNKNOWN};
    nx_buf_init(&result->witness, NX_COMPAT_RECORDED_MAX);
}

void nx_compat_result_fini(struct nx_compat_result *result)
{
    nx_buf_fini(&result->witness);
}

enum nx_err nx_compat_new(const struct nx_span sources[2], const char *const files[2],
                          const struct nx_compat_options *options, struct nx_compat **out,
                          struct nx_diag *diag)
{
    struct nx_compat *compat = calloc(1, sizeof(*compat));
    enum nx_err err = NX_ERR_NOMEM;

    if (compat == NULL) {
        nx_diag_set(diag, "out of memory");
        return err;
    }
    compat->options = *options;
    nx_arena_init(&compat->texts, TEXT_BYTES_ALL_MAX);
    compat->check = nx_check_new();
    compat->matcher = nx_matcher_new();
    compat->instance = nx_json_new(&nx_json_limits_file, options->seed);
    if (compat->check == NULL || compat->matcher == NULL || compat->instance == NULL) {
        nx_diag_set(diag, "out of memory");
        goto out;
    }
    for (int i = 0; i < 2; i++) {
        err = compat_doc_init(&compat->docs[i], sources[i], files[i], &compat->options, diag);
        if (err != NX_OK) {
            goto out;
        }
    }
    *out = compat;
    return NX_OK;
out:
    nx_compat_free(compat);
    return err;
}

void nx_compat_free(struct nx_compat *compat)
{
    if (compat == NULL) {
        return;
    }
    compat_doc_fini(&compat->docs[0]);
    compat_doc_fini(&compat->docs[1]);
    nx_check_free(compat->check);
    nx_matcher_free(compat->matcher);
    nx_json_free(compat->instance);
    nx_arena_fini(&compat->texts);
    free(compat);
}

void nx_compat_judge(struct nx_compat *compat, struct nx_span document,
                     struct nx_compat_verdict *out, struct nx_diag *diag)
{
    *out = (struct nx_compat_verdict){.valid = {NX_ERR_STATE, NX_ERR_STATE}};
    out->parsed = nx_json_parse(compat->instance, document, NX_JSON_STRICT, diag);
    for (int i = 0; i < 2 && out->parsed == NX_OK; i++) {
        out->valid[i] = nx_schema_check(compat->docs[i].schema, compat->check, compat->instance);
    }
}

/* ---- deciding ------------------------------------------------------------------------------ */

/*
 * Two documents that are equal, or that say the same where the rules can read them. What a
 * document outside holds is the same for both: one resolver serves them.
 */
static bool is_proven(struct nx_compat *compat, enum nx_compat_side from)
{
    struct compat_doc *own = &compat->docs[from];
    struct compat_doc *other = &compat->docs[!from];
    struct prover *p = &compat->prover;
    struct facts facts;

    memset(p, 0, sizeof(*p));
    p->compat = compat;
    p->string_states = STRING_STATES_PROOF_MAX;
    own->gathered = 0;
    other->gathered = 0;
    if (own->bundled == other->bundled && compat_equal(own->json, 0, other->json, 0)) {
        return true;
    }
    if (own->opaque != NULL || other->opaque != NULL) {
        return false;
    }
    facts = facts_of((struct subschema){own, 0});
    return compat_subsumed(p, &facts, (struct subschema){other, 0});
}

/* The first obstacle that was not one of several alternatives, or the first. */
static const struct obstacle *main_obstacle(const struct prover *p)
{
    for (uint32_t i = 0; i < p->obstacles_count; i++) {
        if (p->obstacles[i].firm) {
            return &p->obstacles[i];
        }
    }
    return p->obstacles_count > 0 ? &p->obstacles[0] : NULL;
}

static void put_words(struct nx_compat_result *result, const char *words)
{
    (void)nx_span_copy(nx_span_from(words), result->text, sizeof(result->text));
}

static void explain_unknown(const struct nx_compat *compat, enum nx_compat_side from,
                            struct nx_compat_result *result)
{
    const struct obstacle *o = main_obstacle(&compat->prover);
    const char *opaque =
        compat->docs[from].opaque != NULL ? compat->docs[from].opaque : compat->docs[!from].opaque;

    if (opaque != NULL) {
        put_words(result, opaque);
        return;
    }
    if (o == NULL) {
        put_words(result, "the proof came to no end");
        return;
    }
    if (o->from.node != UINT32_MAX) {
        compat_place(o->from.doc, o->from.node, (struct nx_span){NULL, 0}, result->from_pointer,
                     sizeof(result->from_pointer));
    }
    compat_place(o->to.doc, o->to.node, o->keyword, result->to_pointer, sizeof(result->to_pointer));
    (void)nx_span_copy(o->keyword, result->keyword, sizeof(result->keyword));
    put_words(result, o->why);
}

enum nx_err nx_compat_decide(struct nx_compat *compat, enum nx_compat_side from,
                             struct nx_compat_result *result)
{
    enum nx_err err;

    result->answer = NX_COMPAT_UNKNOWN;
    result->candidates = 0;
    if (is_proven(compat, from)) {
        result->answer = NX_COMPATIBLE;
        result->steps = compat->prover.steps;
        return NX_OK;
    }
    result->steps = compat->prover.steps;
    err = compat_search(compat, from, result);
    if (err == NX_OK) {
        assert(compat_is_witness(compat, from, nx_buf_view(&result->witness)));
        result->answer = NX_INCOMPATIBLE;
    } else if (err == NX_ERR_NOT_FOUND) {
        explain_unknown(compat, from, result);
        err = NX_OK;
    }
    return err;
}
