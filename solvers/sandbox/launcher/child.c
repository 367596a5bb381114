#include "child.h"

#include "fail.h"
#include "landlock.h"
#include "limits.h"
#include "privileges.h"
#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void default_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    errno = 0;
}

// Dies with the watcher, also when it died before this call.
static void tie_to(pid_t watcher) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != watcher) _exit(LAUNCHER_FAILED);
}

// Returns the descriptor under which the program can be run, once.
static int confine(const struct options *options, const struct layers *layers, bool scratch, int program) {
    const int rules = layers->landlock > 0 ? landlock_rules(options, layers->landlock, scratch) : -1;
    if (chdir(scratch ? options->scratch : "/") != 0) fail("cannot enter the scratch %s", options->scratch);
    limit_resources(options);
    const int past_limit = move_past_limit(options, program);
    drop_privileges(layers->user ? sandbox_user(options) : 0);
    limit_processes(options, layers->user || layers->namespaces);
    if (rules >= 0) landlock_enforce(rules);
    if (!layers->seccomp) return past_limit;
    if (options->profile == PROFILE_RUN)
        seccomp_run(past_limit, scratch);
    else if (options->profile == PROFILE_SERVE)
        seccomp_serve(past_limit);
    else
        seccomp_compile();
    return past_limit;
}

void become_program(const struct options *options, const struct layers *layers, pid_t watcher, volatile bool *started) {
    const bool scratch = options->scratch != NULL;
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", scratch ? options->scratch : "");
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", language[] = "LANG=C", copies[COPY_FILTER_TEXT];
    char *environment[MAX_SET + 5] = {path, language};
    size_t variables = 2;
    for (size_t i = 0; i < options->sets; i++) environment[variables++] = options->set[i];
    if (scratch) environment[variables++] = temporary;
    if (options->profile == PROFILE_SERVE && layers->seccomp) {
        describe_copy_filter(copies);
        environment[variables++] = copies;
    }

    setsid();
    const int program = open(options->program, O_PATH | O_CLOEXEC);
    if (program < 0) fail("cannot open the program %s", options->program);
    const int once = confine(options, layers, scratch, program);
    default_signals();
    tie_to(watcher); // after the change of user, which undoes it
    *started = true;
    if (options->profile == PROFILE_COMPILE) // which may be a script
        execve(options->program, options->argv, environment);
    else // the only exec that the filter lets pass; its descriptor closes with it
        syscall(SYS_execveat, once, "", options->argv, environment, AT_EMPTY_PATH);
    *started = false;
    fail("cannot run the program %s", options->program);
}
