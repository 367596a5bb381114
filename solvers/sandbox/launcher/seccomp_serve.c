#include "seccomp.h"

#include <asm/ioctls.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const uint32_t WHOLE = UINT32_MAX, SIGN = 1U << 31;
static const uint32_t NOT_BELOW = CLONE_PARENT | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

static const struct call_rule SERVE[] = {
    // threads and copies of itself, below it in the tree
    {SYS_clone, 1, {{0, false, false, NOT_BELOW, 0}}},
    {.number = SYS_wait4},
    {.number = SYS_waitid},
    {SYS_kill, 2, {{0, false, false, SIGN, 0}, {1, false, false, WHOLE, SIGKILL}}},
    {SYS_prctl, 1, {{0, false, false, WHOLE, PR_SET_NAME}}},
    {.number = SYS_sched_getparam},
    {.number = SYS_sched_getscheduler},
    // talking with copies
    {.number = SYS_pipe2},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, FIONBIO}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, FIOCLEX}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, FIONCLEX}}},
    // less for itself: lower limits, one more filter
    {SYS_prlimit64, 1, {{0, false, false, WHOLE, 0}}},
    {SYS_prctl, 2, {{0, false, false, WHOLE, PR_SET_SECCOMP}, {1, false, false, WHOLE, SECCOMP_MODE_FILTER}}},
};

static const struct call_rule COPY_ALLOWED[] = {
    {SYS_clone, 1, {{0, false, true, CLONE_THREAD, 0}}},
    {SYS_prctl, 1, {{0, false, false, WHOLE, PR_SET_NAME}}},
    {SYS_prlimit64, 2, {{2, false, false, WHOLE, 0}, {2, true, false, WHOLE, 0}}},
};

static const struct call_rule COPY_DENIED[] = {
    // shared memory counts in no limit of private memory
    {SYS_mmap, 1, {{3, false, false, MAP_SHARED | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS}}},
    {.number = SYS_clone},
    {.number = SYS_kill},
    {.number = SYS_tgkill},
    {.number = SYS_prctl},
    {.number = SYS_prlimit64},
    {.number = SYS_execveat},
};

struct call_list serve_calls(void) {
    return (struct call_list){SERVE, sizeof SERVE / sizeof *SERVE};
}

struct call_list copy_allowed_calls(void) {
    return (struct call_list){COPY_ALLOWED, sizeof COPY_ALLOWED / sizeof *COPY_ALLOWED};
}

struct call_list copy_denied_calls(void) {
    return (struct call_list){COPY_DENIED, sizeof COPY_DENIED / sizeof *COPY_DENIED};
}
