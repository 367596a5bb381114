#include "supervise.h"

#include "child.h"
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const int64_t NEVER = INT64_MAX;
static const int64_t SECOND = 1000000;

struct watch {
    pid_t program;
    bool namespaces;
    int signals, caller;
    int64_t start_us, wall_limit_us, cpu_limit_us;
    bool ended;
    struct ending *ending;
};

static int64_t microseconds(struct timespec time) {
    return time.tv_sec * SECOND + time.tv_nsec / 1000;
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return microseconds(time);
}

// CPU time of the program itself so far; its children count at the end.
static int64_t cpu_used(pid_t pid) {
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
    return microseconds(time);
}

// Takes in every child that has ended.
//   Post: false when there is none left
static bool reap(struct watch *watch, int flags) {
    struct rusage usage;
    int status;
    pid_t pid;
    while ((pid = wait4(-1, &status, flags, &usage)) > 0) {
        watch->ending->cpu_us +=
            (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        if (usage.ru_maxrss > watch->ending->rss_kb) watch->ending->rss_kb = usage.ru_maxrss;
        if (pid != watch->program) continue;
        watch->ended = true;
        watch->ending->status = status;
        watch->ending->wall_us = now() - watch->start_us;
    }
    return pid == 0 || errno != ECHILD;
}

// Kills what has escaped the program's process group: as subreaper, the watcher is the parent of every orphan.
static void kill_children(void) {
    char path[64];
    int pid;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    FILE *children = fopen(path, "re");
    if (children == NULL) return;
    while (fscanf(children, "%d", &pid) == 1) kill(pid, SIGKILL);
    fclose(children);
}

static void kill_tree(struct watch *watch) {
    const struct timespec pause = {0, 1000000};
    bool left = true;
    while (left) {
        if (watch->namespaces)
            kill(-1, SIGKILL);
        else {
            kill(-watch->program, SIGKILL);
            if (!watch->ended) kill(watch->program, SIGKILL);
        }
        left = reap(watch, watch->namespaces ? 0 : WNOHANG);
        if (!left) break;
        if (!watch->namespaces) kill_children();
        nanosleep(&pause, NULL);
    }
}

// Sleeps until something happens or a limit may be reached.
//   Post: the reason to kill the program, or NULL
static const char *wait_for_event(struct watch *watch) {
    int64_t sleep_us = NEVER;
    if (watch->wall_limit_us != NEVER) {
        sleep_us = watch->start_us + watch->wall_limit_us - now();
        if (sleep_us <= 0) return "wall";
    }
    if (watch->cpu_limit_us != NEVER) {
        const int64_t left = watch->cpu_limit_us - cpu_used(watch->program);
        if (left <= 0) return "cpu";
        if (left < sleep_us) sleep_us = left < 1000 ? 1000 : left;
    }
    struct pollfd events[] = {{watch->signals, POLLIN, 0}, {watch->caller, POLLIN, 0}};
    const struct timespec timeout = {sleep_us / SECOND, sleep_us % SECOND * 1000};
    if (ppoll(events, 2, sleep_us == NEVER ? NULL : &timeout, NULL) <= 0) return NULL;
    if (events[1].revents != 0) return "stopped";
    struct signalfd_siginfo signal;
    if (read(watch->signals, &signal, sizeof signal) != (ssize_t)sizeof signal) return NULL;
    return signal.ssi_signo == SIGCHLD ? NULL : "stopped";
}

// Why the program ended, when nobody here ended it. A program that fails with most of its memory limit resident is
// taken to have failed for lack of memory: the kernel only tells the program.
static const char *own_reason(const struct options *options, const struct ending *ending) {
    const bool failed = !WIFEXITED(ending->status) || WEXITSTATUS(ending->status) != 0;
    const bool killed = WIFSIGNALED(ending->status);
    if (killed && options->cpu_s > 0 && ending->cpu_us >= (int64_t)(options->cpu_s * (double)SECOND)) return "cpu";
    if (failed && options->memory_mb > 0 && ending->rss_kb >= options->memory_mb * 1024 / 4 * 3) return "memory";
    return killed ? "signal" : "exited";
}

static int listen_to_signals(void) {
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    const int signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (signals < 0) fail("cannot listen to signals");
    return signals;
}

// The program's ends of pipes belong to the program alone, so that closing them is seen at the other side.
static void let_go(const struct options *options) {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    for (size_t i = 0; i < options->kept; i++) close(options->keep[i]);
}

static int64_t limit_of(double limit_s) {
    return limit_s > 0 ? (int64_t)(limit_s * (double)SECOND) : NEVER;
}

bool supervise(const struct options *options, const struct layers *layers, int caller, struct ending *ending) {
    volatile bool *started = mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (started == MAP_FAILED) fail("out of memory");
    struct watch watch = {.namespaces = layers->namespaces,
                          .signals = listen_to_signals(),
                          .caller = caller,
                          .start_us = now(),
                          .wall_limit_us = limit_of(options->wall_s),
                          .cpu_limit_us = limit_of(options->cpu_s),
                          .ending = ending};
    const pid_t self = getpid();
    watch.program = fork();
    if (watch.program < 0) fail("cannot start a process");
    if (watch.program == 0) become_program(options, layers, self, started);
    let_go(options);
    while (reap(&watch, WNOHANG), !watch.ended)
        if ((ending->reason = wait_for_event(&watch)) != NULL) break;
    kill_tree(&watch);
    const bool stopped = ending->reason != NULL;
    if (!stopped) ending->reason = own_reason(options, ending);
    return *started || stopped;
}
