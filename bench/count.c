/*
 * count.c - starts the program again below valgrind and reads the total out of what it writes.
 */
#include "bench/count.h"

#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, OPTION_SIZE = PATH_SIZE + 64, NUMBER_SIZE = 16 };

/* Replaces this process by valgrind running it; what it counts goes to `out`. */
static _Noreturn void exec_counting(const char *out, const char *function, unsigned first,
                                    unsigned second)
{
    char self[PATH_SIZE] = "";
    char out_option[OPTION_SIZE], toggle_option[OPTION_SIZE];
    char numbers[2][NUMBER_SIZE];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    (void)snprintf(out_option, sizeof(out_option), "--callgrind-out-file=%s", out);
    (void)snprintf(toggle_option, sizeof(toggle_option), "--toggle-collect=%s", function);
    (void)snprintf(numbers[0], sizeof(numbers[0]), "%u", first);
    (void)snprintf(numbers[1], sizeof(numbers[1]), "%u", second);
    if (len > 0) {
        (void)execlp("valgrind", "valgrind", "-q", "--tool=callgrind", "--collect-atstart=no",
                     toggle_option, out_option, self, "--once", numbers[0],
                     second > 0 ? numbers[1] : (char *)NULL, (char *)NULL);
    }
    _exit(127);
}

double bench_count_total(const char *path)
{
    struct nx_buf text;
    const char *at;
    double total = 0;

    bench_read(path, &text);
    if (nx_buf_byte(&text, 0) == NX_OK) {
        at = strstr(text.data, "\ntotals: ");
        total = at != NULL ? strtod(at + sizeof("\ntotals: ") - 1, NULL) : 0;
    }
    nx_buf_fini(&text);
    return total;
}

double bench_count(const char *function, unsigned first, unsigned second)
{
    char path[] = "/tmp/nexus-bench-count-XXXXXX";
    int file = mkstemp(path);
    pid_t child = file >= 0 ? fork() : -1;
    int status = 0;
    double total;

    if (child == 0) {
        exec_counting(path, function, first, second);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        bench_die("valgrind did not run; it is the Debian package of that name");
    }
    (void)close(file);
    total = bench_count_total(path);
    (void)unlink(path);
    return total;
}
