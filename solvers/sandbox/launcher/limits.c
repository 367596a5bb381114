#include "limits.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN_FILES = 256, COMPILE_PROCESSES = 256, SERVE_THREADS = 4096 };
static const long MIB = 1L << 20;

static void close_from_to(unsigned first, unsigned last) {
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) return;
    const long highest = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd <= last && (long)fd < highest; fd++) close((int)fd);
    errno = 0;
}

void close_others(const struct options *options) {
    unsigned next = STDERR_FILENO + 1;
    bool reported = options->report_fd < (int)next;
    for (size_t i = 0; i <= options->kept; i++) {
        int stop = i < options->kept ? options->keep[i] : -1;
        if (i < options->kept && fcntl(stop, F_GETFD) < 0) fail("--keep-fd %d is not open", stop);
        if (!reported && (stop < 0 || options->report_fd < stop)) {
            reported = true;
            close_from_to(next, (unsigned)options->report_fd - 1);
            next = (unsigned)options->report_fd + 1;
        }
        if (stop < 0) break;
        close_from_to(next, (unsigned)stop - 1);
        next = (unsigned)stop + 1;
    }
    close_from_to(next, ~0U);
    if (options->report_fd >= 0 && fcntl(options->report_fd, F_SETFD, FD_CLOEXEC) != 0)
        fail("--report-fd %d is not open", options->report_fd);
}

static void limit(int resource, rlim_t soft, rlim_t hard, const char *name) {
    struct rlimit current;
    if (getrlimit((__rlimit_resource_t)resource, &current) != 0) fail("cannot read the limit of %s", name);
    if (hard > current.rlim_max) hard = current.rlim_max;
    if (soft > hard) soft = hard;
    const struct rlimit wanted = {soft, hard};
    if (setrlimit((__rlimit_resource_t)resource, &wanted) != 0) fail("cannot limit %s", name);
}

int move_past_limit(const struct options *options, int fd) {
    struct rlimit files;
    rlim_t number = OPEN_FILES;
    if (options->kept > 0 && (rlim_t)options->keep[options->kept - 1] >= number)
        number = (rlim_t)options->keep[options->kept - 1] + 1;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) fail("cannot read the limit of open files");
    if (number >= files.rlim_max) number = files.rlim_max - 1;
    limit(RLIMIT_NOFILE, number + 1, number + 1, "open files");
    const int moved = fd == (int)number ? fd : dup3(fd, (int)number, O_CLOEXEC);
    if (moved < 0) fail("cannot move the program's descriptor to %d", (int)number);
    limit(RLIMIT_NOFILE, number, number, "open files");
    return moved;
}

void limit_resources(const struct options *options) {
    if (options->cpu_s > 0) {
        // The supervisor kills at the exact time; this whole-second limit stands behind it and holds for each process.
        const rlim_t cpu = (rlim_t)options->cpu_s + 2;
        limit(RLIMIT_CPU, cpu, cpu, "CPU time");
    }
    if (options->memory_mb > 0) {
        const rlim_t bytes = (rlim_t)options->memory_mb * (rlim_t)MIB;
        limit(RLIMIT_AS, bytes, bytes, "memory");
    }
    const rlim_t file = (rlim_t)options->file_mb * (rlim_t)MIB;
    limit(RLIMIT_FSIZE, file, file, "file size");
    limit(RLIMIT_CORE, 0, 0, "core files");
}

void limit_processes(const struct options *options, bool own) {
    if (options->profile == PROFILE_RUN)
        limit(RLIMIT_NPROC, 0, 0, "processes");
    else if (own) {
        const rlim_t most = options->profile == PROFILE_SERVE ? SERVE_THREADS : COMPILE_PROCESSES;
        limit(RLIMIT_NPROC, most, most, "processes");
    }
}
