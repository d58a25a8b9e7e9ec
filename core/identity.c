/*
 * identity.c - hash indices over usernames and over what a sensor owns.
 *
 * A name with a capture is entered with its braces emptied, "air-{}-x". To find who takes
 * "air-BMLD-x", each *shape* that occurs (how many bytes stand before and behind the braces) is
 * tried once: cut the username there, empty the middle, look it up. Asset patterns likewise: each
 * place where the capture occurs in the asset is tried. A pattern also enters what wildcard
 * subscriptions ask for: "air/" and a star, a star and "/BMLD".
 */
#include "core/identity.h"

#include "core/topic.h"

enum {
    NAME_BYTES_MAX = 128,  /* of an identity, by its schema */
    ASSET_BYTES_MAX = 160, /* of a pattern's asset: two parts of at most 64 around a capture */
    KEY_SIZE = 256,
    SHAPES_MAX = NAME_BYTES_MAX * NAME_BYTES_MAX / 2,
};

/* What kinds of pattern an identity has: spares look-ups that cannot find anything. */
enum owned_kind {
    OWNED_ALL = 1 << 0,        /* +/+ */
    OWNED_ANY_DOMAIN = 1 << 1, /* +/BMLD */
    OWNED_ANY_ASSET = 1 << 2,  /* air/+ */
    OWNED_CAPTURE = 1 << 3,    /* air/{asset} */
    OWNED_EXACT = 1 << 4,      /* air/BMLD */
};

struct key {
    char text[KEY_SIZE];
    size_t len;
    bool too_long;
};

static void key_add(struct key *key, struct nx_span s)
{
    if (s.len > sizeof(key->text) - key->len) {
        key->too_long = true;
        return;
    }
    if (s.len > 0) {
        memcpy(key->text + key->len, s.ptr, s.len);
        key->len += s.len;
    }
}

static void key_three(struct key *key, struct nx_span a, struct nx_span b, struct nx_span c)
{
    key->len = 0;
    key->too_long = false;
    key_add(key, a);
    key_add(key, b);
    key_add(key, c);
}

static struct nx_span key_span(const struct key *key)
{
    return (struct nx_span){key->text, key->len};
}

/* "a{name}b" in its two parts around the braces; false: it has none. */
static bool split_braces(struct nx_span s, struct nx_span *head, struct nx_span *tail)
{
    *tail = s;
    *head = nx_span_cut(tail, '{');
    if (tail->ptr == NULL) {
        return false;
    }
    (void)nx_span_cut(tail, '}');
    return true;
}

/* ---- building ---------------------------------------------------------------------------- */

static enum nx_err put_copy(struct nx_arena *arena, struct nx_map *map, const struct key *key,
                            struct nx_identity *identity)
{
    struct nx_span copy;

    if (key->too_long) {
        return NX_ERR_LIMIT;
    }
    if (nx_map_get(map, key_span(key)) != NULL) {
        return NX_OK; /* the first in the file stays */
    }
    copy = nx_arena_dup(arena, key_span(key));
    return copy.ptr != NULL ? nx_map_put(map, copy, identity) : NX_ERR_NOMEM;
}

static enum nx_err add_shape(struct nx_arena *arena, struct nx_city *city, size_t head, size_t tail)
{
    struct nx_capture_shape *shape;

    for (shape = city->capture_shapes; shape != NULL; shape = shape->next) {
        if (shape->head == head && shape->tail == tail) {
            return NX_OK;
        }
    }
    shape = nx_arena_alloc(arena, sizeof(*shape));
    if (shape == NULL) {
        return NX_ERR_NOMEM;
    }
    *shape = (struct nx_capture_shape){head, tail, city->capture_shapes};
    city->capture_shapes = shape;
    return NX_OK;
}

static enum nx_err index_name(struct nx_arena *arena, struct nx_city *city,
                              struct nx_identity *identity)
{
    struct nx_span head, tail;
    struct key key;
    enum nx_err err;

    if (!split_braces(identity->name, &head, &tail)) {
        return nx_map_put(&city->identities_by_name, identity->name, identity);
    }
    key_three(&key, head, NX_SPAN("{}"), tail);
    err = put_copy(arena, &city->identities_by_capture, &key, identity);
    return err == NX_OK ? add_shape(arena, city, head.len, tail.len) : err;
}

static unsigned kind_of(const struct nx_asset_pattern *pattern)
{
    bool any_domain = nx_span_is(pattern->domain, "+");

    if (nx_span_is(pattern->asset, "+")) {
        return any_domain ? OWNED_ALL : OWNED_ANY_ASSET;
    }
    return (any_domain ? OWNED_ANY_DOMAIN : 0) |
           (memchr(pattern->asset.ptr, '{', pattern->asset.len) != NULL ? OWNED_CAPTURE
                                                                        : OWNED_EXACT);
}

/* The pattern itself, and under a star in place of either part. */
static enum nx_err index_pattern(struct nx_arena *arena, struct nx_identity *identity,
                                 const struct nx_asset_pattern *pattern)
{
    struct nx_span head = pattern->asset, tail = {NULL, 0};
    bool braces = split_braces(pattern->asset, &head, &tail);
    struct key asset, key;
    enum nx_err err;

    key_three(&asset, head, braces ? NX_SPAN("{}") : NX_SPAN(""), tail);
    key_three(&key, pattern->domain, NX_SPAN("/"), key_span(&asset));
    err = put_copy(arena, &identity->owned, &key, identity);
    if (err == NX_OK) {
        key_three(&key, NX_SPAN("*"), NX_SPAN("/"), key_span(&asset));
        err = put_copy(arena, &identity->owned, &key, identity);
    }
    if (err == NX_OK) {
        key_three(&key, pattern->domain, NX_SPAN("/"), NX_SPAN("*"));
        err = put_copy(arena, &identity->owned, &key, identity);
    }
    identity->owned_kinds |= kind_of(pattern);
    return err;
}

enum nx_err nx_identity_index(struct nx_arena *arena, struct nx_city *city,
                              struct nx_identity *identity)
{
    enum nx_err err = index_name(arena, city, identity);

    for (size_t i = 0; err == NX_OK && i < identity->assets_count; i++) {
        err = index_pattern(arena, identity, &identity->assets[i]);
    }
    return err;
}

/* ---- asking ------------------------------------------------------------------------------ */

static const struct nx_identity *try_shape(const struct nx_city *city, struct nx_span username,
                                           const struct nx_capture_shape *shape,
                                           struct nx_span *capture)
{
    struct nx_span head = {username.ptr, shape->head};
    struct nx_span tail = {username.ptr + username.len - shape->tail, shape->tail};
    struct key key;

    *capture = (struct nx_span){username.ptr + head.len, username.len - head.len - tail.len};
    if (!nx_name_is_asset(*capture)) {
        return NULL;
    }
    key_three(&key, head, NX_SPAN("{}"), tail);
    return key.too_long ? NULL : nx_map_get(&city->identities_by_capture, key_span(&key));
}

const struct nx_identity *nx_identity_find(const struct nx_city *city, struct nx_span username,
                                           struct nx_span *capture)
{
    const struct nx_identity *found = nx_map_get(&city->identities_by_name, username);
    const struct nx_capture_shape *shape = found == NULL ? city->capture_shapes : NULL;

    *capture = (struct nx_span){NULL, 0};
    for (; shape != NULL; shape = shape->next) {
        const struct nx_identity *one;
        struct nx_span part;

        if (shape->head + shape->tail >= username.len) {
            continue;
        }
        one = try_shape(city, username, shape, &part);
        if (one != NULL && (found == NULL || one < found)) { /* they lie as in the file */
            found = one;
            *capture = part;
        }
    }
    return found;
}

/* Is <domain>/<head><middle><tail> owned? */
static bool owned_parts(const struct nx_identity *identity, struct nx_span domain,
                        struct nx_span head, struct nx_span middle, struct nx_span tail)
{
    struct key key;

    key_three(&key, domain, NX_SPAN("/"), head);
    key_add(&key, middle);
    key_add(&key, tail);
    return !key.too_long && nx_map_get(&identity->owned, key_span(&key)) != NULL;
}

static bool owned_get(const struct nx_identity *identity, struct nx_span domain,
                      struct nx_span asset)
{
    return owned_parts(identity, domain, asset, NX_SPAN(""), NX_SPAN(""));
}

/* The asset, each occurrence of the capture in it emptied in turn. */
static bool owned_captured(const struct nx_identity *identity, struct nx_span capture,
                           struct nx_span domain, struct nx_span asset)
{
    for (size_t i = 0; capture.len > 0 && i + capture.len <= asset.len; i++) {
        struct nx_span behind = {asset.ptr + i + capture.len, asset.len - i - capture.len};

        if (memcmp(asset.ptr + i, capture.ptr, capture.len) != 0) {
            continue;
        }
        if (owned_parts(identity, domain, (struct nx_span){asset.ptr, i}, NX_SPAN("{}"), behind)) {
            return true;
        }
    }
    return false;
}

static bool owned_in(const struct nx_identity *identity, struct nx_span capture,
                     struct nx_span domain, struct nx_span asset)
{
    unsigned kinds = identity->owned_kinds;

    return ((kinds & OWNED_EXACT) != 0 && owned_get(identity, domain, asset)) ||
           ((kinds & OWNED_CAPTURE) != 0 && owned_captured(identity, capture, domain, asset));
}

bool nx_identity_owns(const struct nx_identity *identity, struct nx_span capture,
                      struct nx_span domain, struct nx_span asset)
{
    const struct nx_span any = NX_SPAN("+"), star = NX_SPAN("*");
    unsigned kinds = identity->owned_kinds;

    if ((kinds & OWNED_ALL) != 0 || identity->assets_count == 0 || asset.len > ASSET_BYTES_MAX) {
        return (kinds & OWNED_ALL) != 0;
    }
    if (asset.ptr == NULL) {
        return domain.ptr == NULL || owned_get(identity, domain, star) ||
               ((kinds & OWNED_ANY_DOMAIN) != 0);
    }
    if (domain.ptr == NULL) {
        return (kinds & OWNED_ANY_ASSET) != 0 || owned_in(identity, capture, star, asset);
    }
    return owned_in(identity, capture, domain, asset) ||
           ((kinds & OWNED_ANY_ASSET) != 0 && owned_get(identity, domain, any)) ||
           ((kinds & OWNED_ANY_DOMAIN) != 0 && owned_in(identity, capture, any, asset));
}
