// Ignores every signal that can be ignored and computes for ever.
#include "hostile.h"

int main(void) {
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
    puts("done");
    fflush(stdout);
    for (volatile unsigned long i = 0;; i++) continue;
}
