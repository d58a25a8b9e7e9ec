/*
 * kill_test.c - a process that writes to the cache is killed (SIGKILL) after a few milliseconds, over
 * and over on the same file. Its ledger lies in memory that outlives it, so that the next looks for
 * exactly what the killed one had acknowledged.
 *
 *   kill_test [--kills N] [--seed S]
 */
#include "test/fault/ledger.h"
#include "test/fault/power_vfs.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MS_MIN = 2, /* of a life */
    MS_MAX = 20,
    RECORDS_FULL = LEDGER_RECORDS_MAX * 3 / 4, /* then a new cache */
    DB_BYTES = 2 * 1024 * 1024,
};

/* The child: ends only by the signal, or when something is wrong. */
static void work(struct ledger *ledger, const char *path)
{
    struct nx_store *store = NULL;
    struct nx_diag diag = {0};
    const struct nx_store_options options = ledger_options(NX_STORE_CHECKPOINT_THREAD, NULL);
    enum nx_err err = nx_store_open(path, &options, NULL, &store, &diag);

    while (err == NX_OK && ledger->acked.last < LEDGER_RECORDS_MAX - 100) {
        err = ledger_turn(ledger, store, &diag);
    }
    if (err != NX_OK) {
        (void)fprintf(stderr, "%s: %s\n", diag.file, diag.text);
        _exit(1);
    }
    for (;;) {
        (void)pause();
    }
}

static bool life(struct ledger *ledger, const char *path, uint64_t *random)
{
    struct timespec length = {.tv_nsec = (long)(MS_MIN + power_next(random) % (MS_MAX - MS_MIN)) *
                                         1000000};
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        work(ledger, path);
    }
    if (child == -1) {
        return false;
    }
    (void)nanosleep(&length, NULL);
    (void)kill(child, SIGKILL);
    return waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

static bool audit(struct ledger *ledger, const char *path)
{
    struct nx_store *store = NULL;
    const struct nx_store_options options = ledger_options(NX_STORE_CHECKPOINT_HERE, NULL);
    struct nx_diag diag = {0};
    bool ok;

    if (nx_store_open(path, &options, NULL, &store, &diag) != NX_OK) {
        (void)snprintf(ledger->fault, sizeof(ledger->fault), "opening: %s", diag.text);
        return false;
    }
    ok = ledger_check(ledger, store);
    nx_store_close(store);
    return ok && ledger_integrity(ledger, path, NULL);
}

static void remove_files(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char name[128];

    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, tails[i]);
        (void)unlink(name);
    }
}

static uint64_t word(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtoull(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    uint64_t kills = word(argc, argv, "--kills", 50);
    uint64_t random = word(argc, argv, "--seed", 1);
    uint64_t total = 0;
    uint64_t done = 0;
    char dir[] = "/tmp/nexus-kill-XXXXXX";
    char path[64];
    struct ledger *ledger =
        mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (ledger == MAP_FAILED || mkdtemp(dir) == NULL) {
        return 2;
    }
    (void)snprintf(path, sizeof(path), "%s/birmingham.db", dir);
    for (; done < kills && ledger->fault[0] == '\0'; done++) {
        if (done == 0 || ledger->acked.last > RECORDS_FULL) {
            total += ledger->acked.last;
            remove_files(path);
            ledger_init(ledger, power_next(&random));
            ledger->bytes_max = DB_BYTES;
        }
        if (!life(ledger, path, &random)) {
            (void)snprintf(ledger->fault, sizeof(ledger->fault), "it ended by itself");
        } else {
            (void)audit(ledger, path);
        }
    }
    (void)printf("%" PRIu64 " kills, %" PRIu64 " readings acknowledged%s%s\n", done,
                 total + ledger->acked.last, ledger->fault[0] != '\0' ? "; " : "", ledger->fault);
    remove_files(path);
    (void)rmdir(dir);
    return ledger->fault[0] == '\0' ? 0 : 1;
}
