// Makes system calls of another architecture, whose numbers mean other calls to a careless filter.
#include "hostile.h"

int main(void) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); // getpid of i386
    report("i386", result > 0);
    report("x32", syscall(0x40000000 + 39) > 0);
#endif
    return done();
}
