/*
 * settings_link.c - the links of bridge.json: their ends, how they deliver, what they give up.
 */
#include "bridge/settings_read.h"

#include <stdio.h>

enum { LINK_RATE_MAX = 1000000 }; /* readings a second; below NX_LINK_RATE_MAX */

static enum nx_err get_end(struct loader *in, uint32_t object, const char *key, size_t *out)
{
    uint32_t at = settings_member(in, object, key);
    struct nx_span name = nx_json_text(in->json, at);

    *out = settings_find_node(in->settings, name);
    if (*out == in->settings->nodes_count) {
        nx_diag_set(settings_fault(in, at), "no node of this bridge: %.*s", NX_SPAN_ARG(name));
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static const char *const deliveries[] = {
    [NX_DELIVERY_BATCHES] = "batches",
    [NX_DELIVERY_QOS2] = "qos2",
    [NX_DELIVERY_QOS1] = "qos1",
};

static bool is_word(const struct loader *in, uint32_t object, const char *key, const char *word)
{
    uint32_t node = settings_member(in, object, key);

    return node != 0 && nx_span_is(nx_json_text(in->json, node), word);
}

static enum nx_err get_limit(struct loader *in, uint32_t object, const char *key, uint32_t max,
                             uint32_t *out)
{
    uint32_t node = settings_member(in, object, key);
    int64_t value = 0;
    enum nx_err err = node != 0 ? settings_number(in, node, 1, max, &value) : NX_OK;

    *out = (uint32_t)value;
    return err;
}

/* How a link delivers, in which order, how fast, and what it gives up. */
static enum nx_err get_ways(struct loader *in, uint32_t object, struct nx_settings_link *link)
{
    enum nx_err err;

    for (size_t i = 0; i < sizeof(deliveries) / sizeof(deliveries[0]); i++) {
        if (is_word(in, object, "delivery", deliveries[i])) {
            link->delivery = (enum nx_delivery)i;
        }
    }
    link->latest_first = is_word(in, object, "order", "latest-first");
    link->drop_oldest = is_word(in, object, "drop", "oldest");
    err = get_limit(in, object, "rate", LINK_RATE_MAX, &link->rate);
    err =
        err == NX_OK ? get_limit(in, object, "drop_after_s", UINT32_MAX, &link->drop_after_s) : err;
    return err == NX_OK ? get_limit(in, object, "drop_readings", UINT32_MAX, &link->drop_readings)
                        : err;
}

static enum nx_err check_ways(struct loader *in, uint32_t object,
                              const struct nx_settings_link *link)
{
    bool limited = link->drop_after_s > 0 || link->drop_readings > 0;
    const char *to = in->settings->nodes[link->to].name;

    if (link->delivery == NX_DELIVERY_BATCHES &&
        in->settings->nodes[link->to].protocol_level != NX_MQTT_5) {
        nx_diag_set(settings_fault(in, object),
                    "delivery \"batches\" needs MQTT 5 at %s, whose mqtt_version is \"3.1.1\": set "
                    "that to \"5\", or choose delivery \"qos2\" or \"qos1\"",
                    to);
        return NX_ERR_INVALID;
    }
    if (link->drop_oldest != limited) {
        nx_diag_set(settings_fault(in, object),
                    "drop \"oldest\" goes together with drop_after_s, drop_readings or both");
        return NX_ERR_INVALID;
    }
    return NX_OK;
}

static enum nx_err check_link(struct loader *in, uint32_t object,
                              const struct nx_settings_link *link)
{
    if (link->from == link->to) {
        nx_diag_set(settings_fault(in, settings_member(in, object, "to")),
                    "a link leads to another city");
        return NX_ERR_INVALID;
    }
    if (!link->observation && !link->original) {
        nx_diag_set(settings_fault(in, object), "a link carries observation, original or both");
        return NX_ERR_INVALID;
    }
    for (size_t i = 0; i < in->settings->links_count; i++) {
        if (in->settings->links[i].from == link->from && in->settings->links[i].to == link->to) {
            nx_diag_set(settings_fault(in, object), "this link is there already");
            return NX_ERR_INVALID;
        }
    }
    return check_ways(in, object, link);
}

enum nx_err settings_link(struct loader *in, uint32_t object)
{
    struct nx_settings *settings = in->settings;
    struct nx_settings_link *link = &settings->links[settings->links_count];
    char name[80];
    enum nx_err err = get_end(in, object, "from", &link->from);

    err = err == NX_OK ? get_end(in, object, "to", &link->to) : err;
    if (err != NX_OK) {
        return err;
    }
    link->observation = settings_bool(in, object, "observation", true);
    link->original = settings_bool(in, object, "original", true);
    err = get_ways(in, object, link);
    err = err == NX_OK ? check_link(in, object, link) : err;
    if (err != NX_OK) {
        return err;
    }
    (void)snprintf(name, sizeof(name), "%s-%s", settings->nodes[link->from].name,
                   settings->nodes[link->to].name);
    link->name = nx_arena_dup(&settings->arena, nx_span_from(name)).ptr;
    if (link->name == NULL) {
        return settings_no_memory(in);
    }
    settings->links_count++;
    return NX_OK;
}
