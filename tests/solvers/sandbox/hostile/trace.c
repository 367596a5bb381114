// Takes over the process PID.
#include "hostile.h"

#include <sys/ptrace.h>

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    const pid_t pid = atoi(argv[1]);
    report("seize", ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
    report("attach", ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0);
    return done();
}
