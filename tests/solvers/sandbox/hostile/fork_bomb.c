// Starts as many processes as it can, up to 100, by every call that starts one.
#include "hostile.h"

#include <sched.h>

int main(void) {
    pid_t started[100];
    int count = 0;
    while (count < 100) {
        pid_t pid = fork();
        if (pid < 0) pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            pause();
            _exit(0);
        }
        if (pid < 0) break;
        started[count++] = pid;
    }
    report("forked", count > 0);
    for (int i = 0; i < count; i++) kill(started[i], SIGKILL);
    return done();
}
