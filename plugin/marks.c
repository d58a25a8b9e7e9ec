/*
 * marks.c - the marks of all cities that deliver here, in memory, and the bytes of one.
 */
#include "plugin/marks.h"

/* What lies on disk. The checksum covers everything behind it. */
struct slot {
    uint32_t magic;
    uint32_t crc;
    uint64_t generation; /* of two copies the higher one counts */
    uint64_t seq;
    uint64_t settled_seq;
    char epoch[24];
    char settled_epoch[24];
    char from[NX_MARKS_NAME_SIZE];
    uint8_t clean;
    uint8_t zero[7];
};

_Static_assert(sizeof(struct slot) == NX_MARKS_SLOT_BYTES, "a slot has no padding");

enum { SLOT_MAGIC = 0x4b4d584e, CRC_FROM = offsetof(struct slot, generation) };

bool nx_mark_is(const struct nx_mark *a, const struct nx_mark *b)
{
    return a->seq == b->seq && strcmp(a->epoch, b->epoch) == 0;
}

struct nx_mark_entry *nx_marks_find(struct nx_marks *marks, struct nx_span from)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (nx_span_is(from, marks->entries[i].from)) {
            return &marks->entries[i];
        }
    }
    return NULL;
}

struct nx_mark_entry *nx_marks_add(struct nx_marks *marks, struct nx_span from)
{
    struct nx_mark_entry *entry = &marks->entries[marks->count];

    if (marks->count == NX_MARKS_MAX) {
        return NULL;
    }
    *entry = (struct nx_mark_entry){0};
    if (!nx_span_copy(from, entry->from, sizeof(entry->from))) {
        return NULL;
    }
    marks->count++;
    return entry;
}

void nx_mark_begin(struct nx_mark_entry *entry, const char *epoch, uint64_t after)
{
    const bool goes_on = entry->live.seq > 0 && after >= entry->live.seq;

    (void)nx_span_copy(nx_span_from(epoch), entry->live.epoch, sizeof(entry->live.epoch));
    entry->live.seq = after;
    entry->part = NX_CHANNEL_NONE;
    if (goes_on) {
        return; /* the same cache under a new name: it still has what is not settled of the old one */
    }
    /* after a crash in this very minute the link begins again where it begins now */
    entry->staged = entry->moved = entry->settling = entry->settled = entry->live;
}

void nx_mark_advance(struct nx_mark_entry *entry, uint64_t seq)
{
    if (seq > entry->live.seq) {
        entry->live.seq = seq;
        entry->part = NX_CHANNEL_NONE;
    }
}

bool nx_mark_has(const struct nx_mark_entry *entry, uint64_t seq, enum nx_channel channel)
{
    return seq <= entry->live.seq ||
           (seq - 1 == entry->live.seq && (unsigned)channel <= (unsigned)entry->part);
}

static void tick(struct nx_mark_entry *entry, bool moved, uint64_t now_ms, uint64_t age_ms)
{
    entry->moved = moved ? entry->live : entry->staged;
    entry->staged = entry->live;
    if (now_ms >= entry->settle_due_ms) {
        entry->settle_due_ms = now_ms + age_ms;
        entry->settled = entry->settling;
        entry->settling = entry->moved;
    }
}

void nx_marks_tick(struct nx_marks *marks, bool moved, uint64_t now_ms)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (!nx_mark_is(&marks->entries[i].settled, &marks->entries[i].live)) {
            tick(&marks->entries[i], moved, now_ms, marks->age_ms);
        }
    }
}

static uint32_t checksum(const char bytes[NX_MARKS_SLOT_BYTES])
{
    return nx_crc32c(0, (struct nx_span){bytes + CRC_FROM, NX_MARKS_SLOT_BYTES - CRC_FROM});
}

void nx_mark_encode(const struct nx_mark_entry *entry, bool clean, char out[NX_MARKS_SLOT_BYTES])
{
    struct slot slot = {.magic = SLOT_MAGIC,
                        .generation = entry->generation,
                        .seq = entry->moved.seq,
                        .settled_seq = entry->settled.seq,
                        .clean = clean};

    memcpy(slot.epoch, entry->moved.epoch, sizeof(entry->moved.epoch));
    memcpy(slot.settled_epoch, entry->settled.epoch, sizeof(entry->settled.epoch));
    memcpy(slot.from, entry->from, sizeof(entry->from));
    memcpy(out, &slot, sizeof(slot));
    slot.crc = checksum(out);
    memcpy(out, &slot, sizeof(slot));
}

static bool is_epoch(const char *text, size_t size)
{
    struct nx_span s = {text, strnlen(text, size)};

    return s.len == NX_BATCH_EPOCH_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == NX_BATCH_EPOCH_SIZE - 1;
}

static bool is_sound(const struct slot *slot, const char bytes[NX_MARKS_SLOT_BYTES])
{
    struct nx_span from = {slot->from, strnlen(slot->from, sizeof(slot->from))};

    return slot->magic == SLOT_MAGIC && slot->crc == checksum(bytes) && slot->generation > 0 &&
           from.len < sizeof(slot->from) && nx_name_is_city(from) &&
           is_epoch(slot->epoch, sizeof(slot->epoch)) &&
           is_epoch(slot->settled_epoch, sizeof(slot->settled_epoch));
}

enum nx_mark_slot nx_mark_decode(const char bytes[NX_MARKS_SLOT_BYTES], struct nx_mark_entry *out,
                                 struct nx_mark *had)
{
    static const char empty[NX_MARKS_SLOT_BYTES];
    struct slot slot;

    if (memcmp(bytes, empty, sizeof(empty)) == 0) {
        return NX_MARK_SLOT_EMPTY;
    }
    memcpy(&slot, bytes, sizeof(slot));
    if (!is_sound(&slot, bytes)) {
        return NX_MARK_SLOT_DAMAGED;
    }
    *out = (struct nx_mark_entry){.generation = slot.generation};
    memcpy(out->from, slot.from, sizeof(out->from));
    had->seq = slot.seq;
    memcpy(had->epoch, slot.epoch, sizeof(had->epoch));
    out->live.seq = slot.settled_seq;
    memcpy(out->live.epoch, slot.settled_epoch, sizeof(out->live.epoch));
    if (slot.clean != 0) {
        out->live = *had;
    }
    out->staged = out->moved = out->settling = out->settled = out->live;
    return NX_MARK_SLOT_SOUND;
}
