/*
 * deliver_askers.c - a short list of names: it is empty as long as all is well.
 */
#include "plugin/deliver_askers.h"

/* Its place, or `count`. */
static size_t place_of(const struct nx_delivery_askers *askers, struct nx_span from)
{
    size_t i = 0;

    while (i < askers->count && !nx_span_is(from, askers->names[i])) {
        i++;
    }
    return i;
}

bool nx_delivery_askers_have(const struct nx_delivery_askers *askers, struct nx_span from)
{
    return place_of(askers, from) < askers->count;
}

bool nx_delivery_askers_add(struct nx_delivery_askers *askers, struct nx_span from)
{
    if (nx_delivery_askers_have(askers, from)) {
        return true;
    }
    if (askers->count == NX_MARKS_MAX ||
        !nx_span_copy(from, askers->names[askers->count], NX_MARKS_NAME_SIZE)) {
        return false;
    }
    askers->count++;
    return true;
}

void nx_delivery_askers_remove(struct nx_delivery_askers *askers, struct nx_span from)
{
    size_t i = place_of(askers, from);

    if (i < askers->count) {
        askers->count--;
        memcpy(askers->names[i], askers->names[askers->count], NX_MARKS_NAME_SIZE);
    }
}
