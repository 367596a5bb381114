#include "seccomp.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
static const uint32_t ARCHITECTURE = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
static const uint32_t ARCHITECTURE = AUDIT_ARCH_AARCH64;
#else
#error "slotforge-sandbox knows the system calls of x86_64 and aarch64 only"
#endif

enum { MAX_CODE = 2048 };
static const uint32_t X32_BIT = 0x40000000;

struct program {
    struct sock_filter code[MAX_CODE];
    unsigned short size;
};

static void emit(struct program *out, unsigned code, uint32_t k, unsigned yes, unsigned no) {
    if (out->size == MAX_CODE) fail("the system-call filter is too long");
    out->code[out->size++] = (struct sock_filter){(unsigned short)code, (uint8_t)yes, (uint8_t)no, k};
}

static void load(struct program *out, size_t offset) {
    emit(out, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *out, uint32_t action) {
    emit(out, BPF_RET | BPF_K, action, 0, 0);
}

static uint32_t refuse(int error) {
    return SECCOMP_RET_ERRNO | (uint32_t)error;
}

static void load_number(struct program *out) {
    load(out, offsetof(struct seccomp_data, nr));
}

// Little-endian halves, as both architectures have them.
static void load_argument(struct program *out, const struct argument_test *test) {
    load(out, offsetof(struct seccomp_data, args) + 8U * test->argument + (test->high ? 4 : 0));
}

// Appends "if the call matches the rule, answer action". A jump that fails lands behind the answer.
//   Pre, post: the number of the call is in the accumulator
static void add_rule(struct program *out, const struct call_rule *rule, uint32_t action) {
    if (rule->tests == 0) {
        emit(out, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, 1);
        answer(out, action);
        return;
    }
    emit(out, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, 3U * rule->tests + 1);
    for (unsigned i = 0; i < rule->tests; i++) {
        const struct argument_test *test = &rule->test[i];
        const unsigned rest = 3U * (rule->tests - 1U - i) + 1;
        load_argument(out, test);
        emit(out, BPF_ALU | BPF_AND | BPF_K, test->mask, 0, 0);
        if (test->any)
            emit(out, BPF_JMP | BPF_JEQ | BPF_K, 0, rest, 0);
        else
            emit(out, BPF_JMP | BPF_JEQ | BPF_K, test->value, 0, rest);
    }
    answer(out, action);
    load_number(out);
}

static void add_rules(struct program *out, struct call_list list, uint32_t action) {
    for (size_t i = 0; i < list.size; i++) add_rule(out, &list.rule[i], action);
}

// Foreign architectures die (their numbers mean other calls); clone3 and openat2 hide their flags behind a pointer,
// so they do not exist: the C library then uses the older calls.
static void add_head(struct program *out) {
    static const struct call_rule ABSENT[] = {{.number = SYS_clone3}, {.number = SYS_openat2}};
    load(out, offsetof(struct seccomp_data, arch));
    emit(out, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(out, SECCOMP_RET_KILL_PROCESS);
    load_number(out);
    emit(out, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    answer(out, SECCOMP_RET_KILL_PROCESS);
    add_rules(out, (struct call_list){ABSENT, 2}, refuse(ENOSYS));
}

// Kernels before 5.16 slow a filtered process down against speculation attacks unless told not to; measurements
// inside would then not be those outside.
static void install(const struct program *filter) {
    const struct sock_fprog code = {filter->size, (struct sock_filter *)filter->code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &code) == 0) return;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &code) != 0) fail("the kernel refuses the system-call filter");
    errno = 0;
}

bool seccomp_available(void) {
    const uint32_t action = SECCOMP_RET_ERRNO;
    const bool available = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    errno = 0;
    return available;
}

static void allow_exec_of(struct program *out, int program) {
    const struct call_rule once = {
        SYS_execveat,
        2,
        {{0, false, false, UINT32_MAX, (uint32_t)program}, {4, false, false, UINT32_MAX, AT_EMPTY_PATH}}};
    add_rule(out, &once, SECCOMP_RET_ALLOW);
}

static void allow_signals_to_itself(struct program *out) {
    const uint32_t self = (uint32_t)getpid();
    const struct call_rule own[] = {
        {SYS_kill, 1, {{0, false, false, UINT32_MAX, self}}},
        {SYS_tgkill, 1, {{0, false, false, UINT32_MAX, self}}},
    };
    add_rules(out, (struct call_list){own, sizeof own / sizeof *own}, SECCOMP_RET_ALLOW);
}

void seccomp_run(int program, bool scratch) {
    struct program filter = {.size = 0};
    add_head(&filter);
    add_rules(&filter, run_calls(), SECCOMP_RET_ALLOW);
    allow_signals_to_itself(&filter);
    allow_exec_of(&filter, program);
    if (scratch) add_rules(&filter, run_scratch_calls(), SECCOMP_RET_ALLOW);
    answer(&filter, refuse(EPERM));
    install(&filter);
}

void seccomp_serve(int program) {
    struct program filter = {.size = 0};
    add_head(&filter);
    add_rules(&filter, run_calls(), SECCOMP_RET_ALLOW);
    allow_signals_to_itself(&filter);
    allow_exec_of(&filter, program);
    add_rules(&filter, serve_calls(), SECCOMP_RET_ALLOW);
    answer(&filter, refuse(EPERM));
    install(&filter);
}

void describe_copy_filter(char text[COPY_FILTER_TEXT]) {
    struct program filter = {.size = 0};
    add_head(&filter);
    add_rules(&filter, copy_allowed_calls(), SECCOMP_RET_ALLOW);
    add_rules(&filter, copy_denied_calls(), refuse(EPERM));
    answer(&filter, SECCOMP_RET_ALLOW);
    int used = snprintf(text, COPY_FILTER_TEXT, "SLOTFORGE_COPY_FILTER=");
    const unsigned char *byte = (const unsigned char *)filter.code;
    const size_t size = filter.size * sizeof *filter.code;
    if ((size_t)used + 2 * size >= COPY_FILTER_TEXT) fail("the system-call filter for copies is too long");
    for (size_t i = 0; i < size; i++) used += snprintf(text + used, 3, "%02x", byte[i]);
}

void seccomp_compile(void) {
    struct program filter = {.size = 0};
    add_head(&filter);
    emit(&filter, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)compile_highest_call(), 0, 1);
    answer(&filter, refuse(ENOSYS));
    add_rules(&filter, compile_calls(), refuse(EPERM));
    answer(&filter, SECCOMP_RET_ALLOW);
    install(&filter);
}
