#include "seccomp.h"

#include <asm/ioctls.h>
#include <sched.h>
#include <sys/syscall.h>

static const uint32_t WHOLE = UINT32_MAX;
static const uint32_t NEW_NAMESPACES =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

static const struct call_rule DENIED[] = {
    // network
    {.number = SYS_socket},
    {.number = SYS_socketpair},
    {.number = SYS_connect},
    {.number = SYS_bind},
    {.number = SYS_listen},
    {.number = SYS_accept},
    {.number = SYS_accept4},
    {.number = SYS_io_uring_setup},
    {.number = SYS_io_uring_enter},
    {.number = SYS_io_uring_register},
    // other processes; a new session or group would leave the group that is killed at the end
    {.number = SYS_kill},
    {.number = SYS_tkill},
    {.number = SYS_tgkill},
    {.number = SYS_rt_sigqueueinfo},
    {.number = SYS_rt_tgsigqueueinfo},
    {.number = SYS_pidfd_open},
    {.number = SYS_pidfd_getfd},
    {.number = SYS_pidfd_send_signal},
    {.number = SYS_ptrace},
    {.number = SYS_process_vm_readv},
    {.number = SYS_process_vm_writev},
    {.number = SYS_process_madvise},
    {.number = SYS_process_mrelease},
    {.number = SYS_kcmp},
    {.number = SYS_setsid},
    {.number = SYS_setpgid},
    {.number = SYS_setpriority},
    {.number = SYS_sched_setscheduler},
    {.number = SYS_sched_setattr},
    {.number = SYS_sched_setparam},
    {.number = SYS_sched_setaffinity},
    {.number = SYS_migrate_pages},
    {.number = SYS_move_pages},
    {SYS_fcntl, 1, {{1, false, false, WHOLE, 8}}},  // F_SETOWN: signals by descriptor
    {SYS_fcntl, 1, {{1, false, false, WHOLE, 15}}}, // F_SETOWN_EX
    {SYS_prlimit64, 1, {{0, false, true, WHOLE, 0}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, TIOCSTI}}},
    {SYS_ioctl, 1, {{1, false, false, WHOLE, TIOCLINUX}}},
    // owners, modes and attributes, which Landlock does not guard
    {.number = SYS_fchmod},
    {.number = SYS_fchmodat},
    {.number = SYS_fchown},
    {.number = SYS_fchownat},
    {.number = SYS_utimensat},
    {.number = SYS_setxattr},
    {.number = SYS_lsetxattr},
    {.number = SYS_fsetxattr},
    {.number = SYS_removexattr},
    {.number = SYS_lremovexattr},
    {.number = SYS_fremovexattr},
    {.number = SYS_mknodat},
    // namespaces and mounts
    {SYS_clone, 1, {{0, false, true, NEW_NAMESPACES, 0}}},
    {.number = SYS_unshare},
    {.number = SYS_setns},
    {.number = SYS_mount},
    {.number = SYS_umount2},
    {.number = SYS_pivot_root},
    {.number = SYS_chroot},
    {.number = SYS_open_tree},
    {.number = SYS_move_mount},
    {.number = SYS_fsopen},
    {.number = SYS_fsconfig},
    {.number = SYS_fsmount},
    {.number = SYS_fspick},
    {.number = SYS_mount_setattr},
    {.number = SYS_name_to_handle_at},
    {.number = SYS_open_by_handle_at},
    {.number = SYS_fanotify_init},
    // memory shared with others
    {.number = SYS_shmget},
    {.number = SYS_shmat},
    {.number = SYS_msgget},
    {.number = SYS_semget},
    {.number = SYS_mq_open},
    {.number = SYS_memfd_create},
    {.number = SYS_userfaultfd},
    // the kernel
    {.number = SYS_bpf},
    {.number = SYS_perf_event_open},
    {.number = SYS_keyctl},
    {.number = SYS_add_key},
    {.number = SYS_request_key},
    {.number = SYS_init_module},
    {.number = SYS_finit_module},
    {.number = SYS_delete_module},
    {.number = SYS_kexec_load},
    {.number = SYS_reboot},
    {.number = SYS_swapon},
    {.number = SYS_swapoff},
    {.number = SYS_quotactl},
    {.number = SYS_acct},
    {.number = SYS_settimeofday},
    {.number = SYS_clock_settime},
    {.number = SYS_clock_adjtime},
    {.number = SYS_adjtimex},
    {.number = SYS_syslog},
    {.number = SYS_personality},
    {.number = SYS_sethostname},
    {.number = SYS_setdomainname},
    {.number = SYS_vhangup},
#if defined(__x86_64__)
    {.number = SYS_chmod},
    {.number = SYS_chown},
    {.number = SYS_lchown},
    {.number = SYS_utime},
    {.number = SYS_utimes},
    {.number = SYS_futimesat},
    {.number = SYS_mknod},
    {.number = SYS_ioperm},
    {.number = SYS_iopl},
    {.number = SYS_modify_ldt},
    {.number = SYS_kexec_file_load},
#endif
};

struct call_list compile_calls(void) {
    return (struct call_list){DENIED, sizeof DENIED / sizeof *DENIED};
}

int compile_highest_call(void) {
    return SYS_process_mrelease;
}
