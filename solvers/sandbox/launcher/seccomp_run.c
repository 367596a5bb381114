#include "seccomp.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sys/syscall.h>

enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC };

static const uint32_t WHOLE = UINT32_MAX;

static const struct call_rule RUN[] = {
    // input and output on what is open
    {.number = SYS_read},
    {.number = SYS_write},
    {.number = SYS_readv},
    {.number = SYS_writev},
    {.number = SYS_pread64},
    {.number = SYS_lseek},
    {.number = SYS_close},
    {.number = SYS_dup},
    {.number = SYS_dup3},
    {.number = SYS_ppoll},
    {.number = SYS_pselect6},
    {.number = SYS_fadvise64},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, F_GETFD}}},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, F_SETFD}}},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, F_GETFL}}},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, F_DUPFD}}},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, F_DUPFD_CLOEXEC}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, TCGETS}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, TIOCGWINSZ}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, FIONREAD}}},
    // files, to read
    {SYS_openat, 1, {{2, false, false, WRITING, O_RDONLY}}},
    {.number = SYS_fstat},
    {.number = SYS_newfstatat},
    {.number = SYS_statx},
    {.number = SYS_faccessat},
    {.number = SYS_faccessat2},
    {.number = SYS_readlinkat},
    {.number = SYS_getdents64},
    {.number = SYS_getcwd},
    // memory
    {.number = SYS_brk},
    {.number = SYS_mmap},
    {.number = SYS_munmap},
    {.number = SYS_mremap},
    {.number = SYS_mprotect},
    {.number = SYS_madvise},
    // signals to itself, time, identity
    {.number = SYS_rt_sigaction},
    {.number = SYS_rt_sigprocmask},
    {.number = SYS_rt_sigreturn},
    {.number = SYS_rt_sigpending},
    {.number = SYS_rt_sigsuspend},
    {.number = SYS_rt_sigtimedwait},
    {.number = SYS_sigaltstack},
    {.number = SYS_setitimer},
    {.number = SYS_getitimer},
    {.number = SYS_nanosleep},
    {.number = SYS_clock_nanosleep},
    {.number = SYS_clock_gettime},
    {.number = SYS_clock_getres},
    {.number = SYS_gettimeofday},
    {.number = SYS_times},
    {.number = SYS_getrusage},
    {.number = SYS_restart_syscall},
    {.number = SYS_getpid},
    {.number = SYS_gettid},
    {.number = SYS_getppid},
    {.number = SYS_getuid},
    {.number = SYS_geteuid},
    {.number = SYS_getgid},
    {.number = SYS_getegid},
    {.number = SYS_uname},
    {.number = SYS_sysinfo},
    {.number = SYS_getrandom},
    {.number = SYS_sched_yield},
    {.number = SYS_sched_getaffinity},
    {.number = SYS_getcpu},
    // reading its own limits, not setting any
    {SYS_prlimit64, 3, {{0, false, false, WHOLE, 0}, {2, false, false, WHOLE, 0}, {2, true, false, WHOLE, 0}}},
    // the C library's start and end
    {.number = SYS_set_tid_address},
    {.number = SYS_set_robust_list},
    {.number = SYS_rseq},
    {.number = SYS_futex},
    {.number = SYS_exit},
    {.number = SYS_exit_group},
#if defined(__x86_64__)
    {SYS_open, 1, {{1, false, false, WRITING, O_RDONLY}}},
    {.number = SYS_arch_prctl},
    {.number = SYS_stat},
    {.number = SYS_lstat},
    {.number = SYS_access},
    {.number = SYS_readlink},
    {.number = SYS_dup2},
    {.number = SYS_poll},
    {.number = SYS_select},
    {.number = SYS_pause},
    {.number = SYS_alarm},
    {.number = SYS_time},
    {.number = SYS_getrlimit},
#endif
};

static const struct call_rule SCRATCH[] = {
    {.number = SYS_openat},   {.number = SYS_pwrite64},  {.number = SYS_ftruncate}, {.number = SYS_mkdirat},
    {.number = SYS_unlinkat}, {.number = SYS_renameat2}, {.number = SYS_fsync},     {.number = SYS_fdatasync},
#if defined(__x86_64__)
    {.number = SYS_open},     {.number = SYS_creat},     {.number = SYS_mkdir},     {.number = SYS_rmdir},
    {.number = SYS_unlink},   {.number = SYS_rename},
#endif
};

struct call_list run_calls(void) {
    return (struct call_list){RUN, sizeof RUN / sizeof *RUN};
}

struct call_list run_scratch_calls(void) {
    return (struct call_list){SCRATCH, sizeof SCRATCH / sizeof *SCRATCH};
}
