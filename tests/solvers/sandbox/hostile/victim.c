// A process that others attack: prints its pid and the address of a secret, lets anybody trace it, and reports signals.
#include "hostile.h"

#include <sys/prctl.h>

static char secret[] = "the secret of the victim";

static void hit(int number) {
    (void)number;
    (void)!write(STDOUT_FILENO, "hit\n", 4);
}

int main(void) {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    signal(SIGUSR1, hit);
    printf("%d %p\n", getpid(), (void *)secret);
    fflush(stdout);
    for (;;) pause();
}
