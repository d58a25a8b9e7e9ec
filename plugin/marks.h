/*
 * marks.h - how far each peer's stream has been taken: one mark (epoch, sequence number) for each
 * city that delivers here, and what of it may be believed after the broker has died.
 *
 * Published is not yet kept. What the plugin publishes waits in the broker's memory until its next
 * loop; then it is in the sessions and retained values, which are on disk only from the next
 * autosave on. So a mark moves through stages, each of which is safe to name in its own case:
 *
 *     live --tick--> staged --tick--> moved          believed after an orderly stop
 *                                       \--age--> settling --age--> settled    ... after a crash
 *
 * In 2.0 a tick ends the loop's turn in which a batch was taken, and the next turn begins with moving
 * what waits: `moved` is what was live two ticks ago. In 2.1 the tick comes behind the moving, and
 * `moved` is what is live. `settled` was moved at least `age_ms` ago, so that an autosave has come
 * since.
 *
 * Pure: time is an argument, the file is in marks_file.c. Fixed size, allocates nothing.
 */
#ifndef NX_PLUGIN_MARKS_H
#define NX_PLUGIN_MARKS_H

#include "core/batch.h"

enum {
    NX_MARKS_MAX = 256, /* cities; as many as a configuration may have */
    NX_MARKS_NAME_SIZE = 40,
    NX_MARKS_SLOT_BYTES = 128,
};

struct nx_mark {
    char epoch[NX_BATCH_EPOCH_SIZE];
    uint64_t seq;
};

struct nx_mark_entry {
    char from[NX_MARKS_NAME_SIZE];
    struct nx_mark live, staged, moved, settling, settled;
    enum nx_channel part; /* channels up to this one of number live.seq + 1 have been taken too */
    uint64_t settle_due_ms;
    uint64_t generation; /* of the last slot written; 0: none */
};

struct nx_marks {
    struct nx_mark_entry entries[NX_MARKS_MAX];
    size_t count;
    uint64_t age_ms;
};

bool nx_mark_is(const struct nx_mark *a, const struct nx_mark *b);

/* The entry of that city, or NULL. Each entry has a mark. */
struct nx_mark_entry *nx_marks_find(struct nx_marks *marks, struct nx_span from);

/* A new entry, to be begun at once; NULL when the table is full. */
struct nx_mark_entry *nx_marks_add(struct nx_marks *marks, struct nx_span from);

/* Begins an epoch behind `after`: what is before it counts as taken, and where that goes on from the
 * epoch before, it may be asked for under that one until it is settled. */
void nx_mark_begin(struct nx_mark_entry *entry, const char *epoch, uint64_t after);

/* Every number up to `seq` is accounted for. Never goes back. */
void nx_mark_advance(struct nx_mark_entry *entry, uint64_t seq);

/* Has this record been taken already? */
bool nx_mark_has(const struct nx_mark_entry *entry, uint64_t seq, enum nx_channel channel);

/* Once in each turn of the broker's loop; `moved`: behind its moving of what plugins published. */
void nx_marks_tick(struct nx_marks *marks, bool moved, uint64_t now_ms);

/*
 * One entry as it lies on disk. A `clean` one is written at an orderly stop. The layout is the
 * machine's own: the file stays where it is.
 */
void nx_mark_encode(const struct nx_mark_entry *entry, bool clean, char out[NX_MARKS_SLOT_BYTES]);

enum nx_mark_slot { NX_MARK_SLOT_EMPTY, NX_MARK_SLOT_SOUND, NX_MARK_SLOT_DAMAGED };

/* Fills *out with all stages at what may be believed. *had is what was written as taken. */
enum nx_mark_slot nx_mark_decode(const char bytes[NX_MARKS_SLOT_BYTES], struct nx_mark_entry *out,
                                 struct nx_mark *had);

#endif
