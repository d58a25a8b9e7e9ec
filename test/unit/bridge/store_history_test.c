/*
 * store_history_test.c - one stream's readings: what a history finds is what a look at every reading
 * finds, wherever it begins and ends, after retention, rollbacks and restarts, and in a cache of an
 * older version; and it does not walk there from the newest.
 */
#include "core/os/file.h"
#include "test/unit/bridge/store_place.h"

#include <stdio.h>

enum { STREAMS = 4, READINGS_MAX = 8000, LIST_MAX = 20000 };

static const char *const assets[STREAMS] = {"AAAA", "BBBB", "CCCC", "DDDD"};

static struct nx_span topic_of(unsigned stream)
{
    static char topic[128];

    (void)snprintf(topic, sizeof(topic), "nexus/birmingham/air/%s/observation", assets[stream]);
    return nx_span_from(topic);
}

/* --- numbers found ----------------------------------------------------------------------------- */

struct list {
    uint64_t seqs[LIST_MAX];
    size_t count;
};

static enum nx_err list_add(void *ctx, const struct nx_reading *row)
{
    struct list *list = ctx;

    assert_in_range(list->count, 0, LIST_MAX - 1);
    list->seqs[list->count++] = row->seq;
    return NX_OK;
}

static const struct list *ask(struct nx_store *store, const struct nx_store_query *query)
{
    static struct list found;

    found.count = 0;
    assert_int_equal(nx_store_history(store, query, list_add, &found, NULL), NX_OK);
    return &found;
}

/* All readings of the stream from `first` to `last`, in steps of `step`. */
static void assert_steps(const struct list *found, uint64_t first, uint64_t last, uint64_t step)
{
    assert_int_equal(found->count, (last - first) / step + 1);
    for (size_t i = 0; i < found->count; i++) {
        assert_int_equal(found->seqs[i], first + i * step);
    }
}

/* --- against a look at every reading ----------------------------------------------------------- */

struct world {
    struct place *place;
    struct nx_store *store;
    uint64_t state; /* of the random numbers */
    uint64_t last, durable;
    unsigned stream[READINGS_MAX + 1]; /* by number */
    int64_t at[READINGS_MAX + 1];
};

/* xorshift64*, https://vigna.di.unimi.it/ftp/papers/xorshift.pdf */
static uint64_t under(struct world *world, uint64_t limit)
{
    world->state ^= world->state >> 12;
    world->state ^= world->state << 25;
    world->state ^= world->state >> 27;
    return (world->state * UINT64_C(2685821657736338717) >> 33) % limit;
}

static void world_append(struct world *world)
{
    static const unsigned char weights[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
    uint64_t seq = world->last + 1;

    world->stream[seq] = weights[under(world, sizeof(weights))];
    if (under(world, 900) == 0) {
        world->stream[seq] = 3; /* seldom: it is the one that stays when all around it goes */
    }
    world->at[seq] = (seq > 1 ? world->at[seq - 1] : 1000) + (int64_t)under(world, 3);
    assert_int_equal(place_append_to(world->place, world->store, assets[world->stream[seq]],
                                     world->at[seq], "x"),
                     seq);
    world->last = seq;
}

static void world_thin(struct world *world)
{
    const struct nx_store_limits limits = {.before_ms = world->at[1 + under(world, world->last)] -
                                                        (int64_t)under(world, 1000)};
    struct nx_store_thinned out;

    if (limits.before_ms > 0) {
        assert_int_equal(nx_store_thin(world->store, UINT64_MAX, &limits,
                                       1 + (uint32_t)under(world, 700), &out, &world->place->diag),
                         NX_OK);
    }
}

static void world_commit(struct world *world)
{
    place_commit(world->place, world->store);
    world->durable = world->last;
}

static void world_change(struct world *world)
{
    uint64_t choice = under(world, 20);

    for (uint64_t n = 1 + under(world, 300); n > 0 && world->last < READINGS_MAX; n--) {
        world_append(world);
    }
    if (choice < 3) {
        nx_store_rollback(world->store);
        world->last = world->durable;
    } else if (choice < 12) {
        world_commit(world);
    }
    if (choice == 12) {
        world_commit(world);
        nx_store_close(world->store);
        world->store = place_open(world->place);
    }
    if (choice % 3 == 0 && world->last > 0) {
        world_thin(world);
        world_commit(world);
    }
}

static struct nx_store_query world_query(struct world *world, unsigned stream)
{
    struct nx_store_query query = {.filter = topic_of(stream)};
    uint64_t which = under(world, 32);

    query.since = which & 1 ? under(world, world->last + 2) : 0;
    query.until = which & 2 ? under(world, world->last + 2) : 0;
    query.from_ms = which & 4 ? world->at[1 + under(world, world->last)] : 0;
    query.to_ms = which & 8 ? world->at[1 + under(world, world->last)] : 0;
    query.limit = which & 16 ? 1 + under(world, 500) : 0;
    return query;
}

/* As a history, but by a look at each number. */
static const struct list *scan(struct world *world, const struct nx_store_query *query,
                               unsigned stream)
{
    static struct list found;
    uint64_t first = nx_store_first(world->store);
    uint64_t newest = 0;

    found.count = 0;
    for (uint64_t seq = 1; seq <= world->last; seq++) {
        newest = world->stream[seq] == stream ? seq : newest;
    }
    for (uint64_t seq = 1; seq <= world->last; seq++) {
        if (world->stream[seq] == stream && (seq >= first || seq == newest) && seq > query->since &&
            (query->until == 0 || seq <= query->until) &&
            (query->from_ms == 0 || world->at[seq] >= query->from_ms) &&
            (query->to_ms == 0 || world->at[seq] < query->to_ms)) {
            found.seqs[found.count++] = seq;
        }
    }
    if (query->limit > 0 && found.count > query->limit) {
        memmove(found.seqs, found.seqs + found.count - query->limit,
                query->limit * sizeof(found.seqs[0]));
        found.count = query->limit;
    }
    return &found;
}

static void world_compare(struct world *world, struct nx_store *store)
{
    for (unsigned stream = 0; stream < STREAMS; stream++) {
        for (int i = 0; i < 4; i++) {
            struct nx_store_query query = world_query(world, stream);
            const struct list *expected = scan(world, &query, stream);
            const struct list *found = ask(store, &query);

            assert_int_equal(found->count, expected->count);
            assert_memory_equal(found->seqs, expected->seqs, found->count * sizeof(found->seqs[0]));
        }
    }
}

static void world_compare_as_a_reader(struct world *world)
{
    struct nx_store *reader = NULL;

    if (!nx_store_dirty(world->store)) {
        assert_int_equal(nx_store_open_read(world->place->db, &reader, &world->place->diag), NX_OK);
        world_compare(world, reader);
        nx_store_close(reader);
    }
}

static void assert_marks(struct place *place, uint64_t first)
{
    char sql[160];

    assert_int_equal(place_number(place, "SELECT count(*) FROM marks m LEFT JOIN readings r ON"
                                         " r.seq = m.seq AND r.stream = m.stream"
                                         " WHERE r.seq IS NULL"),
                     0);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM marks WHERE seq < %llu",
                   (unsigned long long)first);
    assert_int_equal(place_number(place, sql), 0);
}

static void a_history_is_what_a_look_at_every_reading_finds(void **state)
{
    static struct world world;
    struct place *place = *state;
    int64_t marks = 0;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        world = (struct world){.place = place, .state = seed, .store = place_open(place)};
        while (world.last < READINGS_MAX - 300) {
            world_change(&world);
            if (world.last > 0) {
                world_compare(&world, world.store);
                world_compare_as_a_reader(&world);
            }
        }
        world_commit(&world);
        assert_marks(place, nx_store_first(world.store));
        marks += place_number(place, "SELECT count(*) FROM marks");
        nx_store_close(world.store);
        (void)place_files(place, "", true);
    }
    assert_in_range(marks, 10, 3 * READINGS_MAX / 100); /* the test has seen what it is about */
}

/* --- where a chain is entered ------------------------------------------------------------------ */

static void a_day_long_ago_is_not_looked_for_from_the_newest(void **state)
{
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    struct nx_store_query query = {.filter = topic_of(0), .until = 400};

    for (int i = 1; i <= 1000; i++) {
        (void)place_append_to(place, store, assets[0], i * 1000, "x");
    }
    place_commit(place, store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM marks"), 7);
    place_query(place, "DELETE FROM readings WHERE seq = 900"); /* from 1000 there is no way */
    assert_steps(ask(store, &query), 1, 400, 1);
    query.until = 950; /* behind the last mark */
    assert_int_equal(ask(store, &query)->count, 50);
    query = (struct nx_store_query){.filter = topic_of(0), .from_ms = 100000, .to_ms = 200000};
    assert_steps(ask(store, &query), 100, 199, 1);
    nx_store_close(store);
}

static void a_history_with_no_room_for_it_comes_whole_and_in_order(void **state)
{
    enum { LARGE = 1024 * 1024, COUNT = 24 };
    static char text[LARGE + 1];
    struct place *place = *state;
    struct nx_store *store = place_open(place);
    const struct nx_store_query large = {.filter = topic_of(0)};

    memset(text, 'x', LARGE);
    for (int i = 1; i <= COUNT; i++) {
        (void)place_append_to(place, store, assets[0], i, i % 2 == 0 ? text : "x");
    }
    assert_steps(ask(store, &large), 1, COUNT, 1);
    for (int i = 1; i <= 17000; i++) {
        (void)place_append_to(place, store, assets[1], i, "x");
    }
    const struct nx_store_query many = {.filter = topic_of(1)};

    assert_steps(ask(store, &many), COUNT + 1, COUNT + 17000, 1);
    nx_store_close(store);
}

/* --- older caches ------------------------------------------------------------------------------ */

static void place_version_3(const struct place *place)
{
    struct nx_buf sql;

    nx_buf_init(&sql, 65536);
    assert_int_equal(
        nx_file_read(NX_SOURCE_DIR "/test/unit/bridge/cache_version_3.sql", &sql, NULL), NX_OK);
    assert_int_equal(nx_buf_byte(&sql, '\0'), NX_OK);
    place_query(place, sql.data);
    nx_buf_fini(&sql);
}

static void a_cache_of_version_3_is_read_as_before_and_marked_from_then_on(void **state)
{
    const struct nx_store_limits limits = {.before_ms = 301000};
    struct place *place = *state;
    struct nx_store_query query = {.filter = NX_SPAN(PLACE_TOPIC), .until = 201};
    struct nx_store_thinned out;
    struct nx_store *store;

    place_version_3(place);
    store = place_open(place);
    assert_int_equal(place_number(place, "PRAGMA user_version"), 4);
    assert_int_equal(place_number(place, "SELECT count(*) FROM marks"), 0);
    assert_steps(ask(store, &query), 1, 201, 2);
    for (int i = 401; i <= 1000; i++) {
        (void)place_append_to(place, store, i % 2 == 1 ? "BMLD" : "BIRR", i * 1000, "x");
    }
    place_commit(place, store);
    assert_int_equal(place_number(place, "SELECT count(*) FROM marks"), 4);
    assert_steps(ask(store, &query), 1, 201, 2);
    query.until = 601;
    assert_steps(ask(store, &query), 1, 601, 2);
    assert_int_equal(nx_store_thin(store, UINT64_MAX, &limits, 1000, &out, &place->diag), NX_OK);
    place_commit(place, store);
    assert_steps(ask(store, &query), 301, 601, 2);
    assert_int_equal(place_number(place, "SELECT count - gone FROM heads WHERE stream = 1"), 350);
    nx_store_close(store);
}

static void a_reader_leaves_a_cache_of_version_3_as_it_is(void **state)
{
    struct place *place = *state;
    struct nx_store *store = NULL;

    place_version_3(place);
    assert_int_equal(nx_store_open_read(place->db, &store, &place->diag), NX_ERR_UNSUPPORTED);
    assert_non_null(strstr(place->diag.text, "start nexus-bridge once"));
    assert_int_equal(place_number(place, "PRAGMA user_version"), 3);
}

/* --- last values ------------------------------------------------------------------------------- */

static void last_values_are_found_by_any_filter(void **state)
{
    static const char *const topics[] = {"a",    "a/",  "a/b",   "a/b/c", "a/bc",
                                         "ab",   "a/b", "b/a/b", "/a",    "a/\xf4\x8f\xbf\xbf",
                                         "a/b/", "b"};
    static const char *const filters[] = {"a",   "a/b", "a/b/#", "a/+", "a/+/#",
                                          "+/b", "#",   "b/a/b", "a/#", "ab",
                                          "+",   "/a",  "/#",    "c",   "a/b/c/d"};
    enum { TOPICS = sizeof(topics) / sizeof(topics[0]) };
    struct place *place = *state;
    struct nx_store *store = place_open(place);

    for (size_t i = 0; i < TOPICS; i++) {
        struct nx_reading one = place_reading(0, "x");
        uint64_t seq;

        one.topic = nx_span_from(topics[i]);
        assert_int_equal(nx_store_append(store, &one, &seq, &place->diag), NX_OK);
    }
    for (size_t f = 0; f < sizeof(filters) / sizeof(filters[0]); f++) {
        const struct nx_store_query query = {.filter = nx_span_from(filters[f])};
        static struct list found;
        uint64_t sum = 0;
        size_t count = 0;

        found.count = 0;
        assert_int_equal(nx_store_latest(store, &query, list_add, &found, NULL), NX_OK);
        for (size_t i = 0; i < TOPICS; i++) {
            if (i != 2 && nx_filter_matches(query.filter, nx_span_from(topics[i]))) {
                sum += i + 1; /* the third is not the newest of its topic */
                count++;
            }
        }
        assert_int_equal(found.count, count);
        for (size_t i = 0; i < found.count; i++) {
            sum -= found.seqs[i];
        }
        assert_int_equal(sum, 0);
    }
    nx_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(a_history_is_what_a_look_at_every_reading_finds),
        PLACE_TEST(a_day_long_ago_is_not_looked_for_from_the_newest),
        PLACE_TEST(a_history_with_no_room_for_it_comes_whole_and_in_order),
        PLACE_TEST(a_cache_of_version_3_is_read_as_before_and_marked_from_then_on),
        PLACE_TEST(a_reader_leaves_a_cache_of_version_3_as_it_is),
        PLACE_TEST(last_values_are_found_by_any_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
