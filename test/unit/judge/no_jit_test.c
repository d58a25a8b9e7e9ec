/*
 * no_jit_test.c - patterns where executable memory is forbidden, as under systemd's
 * MemoryDenyWriteExecute: the same answers, interpreted.
 *
 * The prohibition is a seccomp filter of the test's own process, for the rest of its life.
 */
#include "test/unit/unit.h"

#include "core/pattern.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* mmap and mprotect with PROT_EXEC in their third argument answer EPERM. */
static int forbid_executable_memory(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static void patterns_match_where_executable_memory_is_forbidden(void **state)
{
    static const struct {
        const char *source, *text;
        bool matches;
    } cases[] = {
        {"^(?!b)a+$", "aaa", true},
        {"^(?!b)a+$", "baa", false},
        {"(a)\\1", "xaax", true},
        {"^[a-z]+$", "abc", true},
    };
    struct nx_matcher *matcher;

    (void)state;
    if (forbid_executable_memory() != 0) {
        skip(); /* this system has no seccomp */
    }
    assert_ptr_equal(
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        MAP_FAILED);
    matcher = nx_matcher_new();
    assert_non_null(matcher);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nx_pattern *pattern = NULL;
        bool matched = !cases[i].matches;

        assert_int_equal(nx_pattern_compile(nx_span_from(cases[i].source), &pattern, NULL), NX_OK);
        assert_int_equal(
            nx_pattern_match(pattern, matcher, nx_span_from(cases[i].text), false, &matched),
            NX_OK);
        assert_int_equal(matched, cases[i].matches);
        nx_pattern_free(pattern);
    }
    nx_matcher_free(matcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_where_executable_memory_is_forbidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
