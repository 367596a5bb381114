// slotforge-sandbox: runs one program that nobody trusts.
//
// Three processes. The launcher (this one) stays outside and passes signals on. The watcher, in namespaces of its own
// where the host allows them, enforces deadlines, kills the tree and reports. Its child takes on the layers and
// becomes the program. Whichever of the first two dies, all below die with it.

#include "attack.h"
#include "fail.h"
#include "filesystem.h"
#include "landlock.h"
#include "limits.h"
#include "namespaces.h"
#include "options.h"
#include "privileges.h"
#include "seccomp.h"
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void block_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigprocmask(SIG_SETMASK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

// A pidfd, because a parent-death signal would also come when only the calling thread ends.
static int watch_caller(pid_t parent) {
    const int caller = (int)syscall(SYS_pidfd_open, parent, 0);
    errno = 0;
    return caller;
}

static void require(const struct options *options, const struct layers *layers) {
    if (!layers->seccomp && options->level > 0)
        fail("this host has no system-call filter (seccomp); only --level 0, which is unsafe, runs here");
    if (options->profile == PROFILE_SERVE && options->scratch != NULL)
        fail("profile serve writes nowhere: no --scratch");
    if (options->profile == PROFILE_RUN && options->scratch != NULL && !layers->namespaces)
        fail("profile run has no scratch without namespaces, because nothing would cap it; pass data through pipes");
    if (geteuid() == 0 && !layers->user && layers->seccomp && layers->landlock == 0 && !layers->namespaces)
        fail("without Landlock root must run as user %u, which cannot read the program or a --read path; "
             "move them out of private folders, or do not run as root",
             sandbox_user(options));
}

static struct layers choose_layers(const struct options *options, bool namespaces, struct loan *loan) {
    return (struct layers){
        .namespaces = namespaces,
        .user = lend_to_sandbox_user(options, loan),
        .seccomp = options->level > 0 && seccomp_available(),
        .landlock = options->level > 1 ? landlock_abi() : 0,
    };
}

// The watcher's life. Only from its word on `ready` on is it sure to die with the launcher: looking at files as another
// user undoes the tie to the launcher, which is therefore made after that.
static _Noreturn void watch(const struct options *options, bool namespaces, int caller, int ready) {
    struct loan loan = {.lent = false};
    struct ending ending = {.status = 0};
    if (namespaces && !build_root(options)) _exit(1);
    const struct layers layers = choose_layers(options, namespaces, &loan);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, namespaces ? SIGKILL : SIGTERM);
    if (write(ready, "", 1) != 1) _exit(1);
    close(ready);
    require(options, &layers);
    const bool started = supervise(options, &layers, caller, &ending);
    give_back(options, &loan);
    if (!started) _exit(LAUNCHER_FAILED);
    write_report(options->report_fd, &ending, &layers);
    _exit(WIFEXITED(ending.status) ? WEXITSTATUS(ending.status) : 128 + WTERMSIG(ending.status));
}

// Starts the watcher and waits until it is ready.
//   Post: its pid, or -1 where namespaces were asked for and the host forbids them
static pid_t start_watcher(const struct options *options, bool namespaces, int caller) {
    int ready[2];
    char byte;
    if (pipe2(ready, O_CLOEXEC) != 0) fail("cannot make a pipe");
    const pid_t pid = namespaces ? fork_into_namespaces() : fork();
    errno = 0;
    if (pid == 0) {
        close(ready[0]);
        watch(options, namespaces, caller, ready[1]);
    }
    close(ready[1]);
    const bool good = pid > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!good && pid > 0) waitpid(pid, NULL, 0);
    errno = 0;
    return good ? pid : -1;
}

static void let_go(const struct options *options) {
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    if (options->report_fd >= 0) close(options->report_fd);
    for (size_t i = 0; i < options->kept; i++) close(options->keep[i]);
}

// Passes signals to the watcher until it ends. Where the kernel has no pidfd, looks after the caller itself.
static int follow(pid_t watcher, const sigset_t *signals, int caller, pid_t parent) {
    const struct timespec quarter = {0, 250000000};
    for (;;) {
        const int number = caller >= 0 ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &quarter);
        if ((number > 0 && number != SIGCHLD) || (caller < 0 && getppid() != parent)) kill(watcher, SIGTERM);
        int status;
        if (waitpid(watcher, &status, WNOHANG) == watcher)
            return WIFEXITED(status) ? WEXITSTATUS(status) : LAUNCHER_FAILED;
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--attack") == 0) return attack();
    const struct options options = parse_options(argc, argv);
    sigset_t signals;
    close_others(&options);
    block_signals(&signals);
    const pid_t parent = getppid();
    const int caller = watch_caller(parent);
    pid_t watcher = options.level == LEVEL_ALL ? start_watcher(&options, true, caller) : -1;
    if (watcher < 0) watcher = start_watcher(&options, false, caller);
    if (watcher < 0) fail("cannot start a process");
    let_go(&options);
    return follow(watcher, &signals, caller, parent);
}
