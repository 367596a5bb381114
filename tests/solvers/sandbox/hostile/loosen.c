// Takes back what a copy gave up: limits and filters; and takes memory that no limit of private memory counts.
#include "hostile.h"

#include <sys/mman.h>
#include <sys/resource.h>

int main(void) {
    const struct rlimit limit = {64, 64};
    const int mode = PROT_READ | PROT_WRITE;
    report("limit", setrlimit(RLIMIT_NOFILE, &limit) == 0);
    report("filter", prctl(PR_SET_SECCOMP, 2, NULL, 0, 0) == 0 || errno == EFAULT);
    report("death signal", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
    report("shared memory", mmap(NULL, 4096, mode, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    return done();
}
