// Touches 16 MiB at a time up to 512 MiB.
#include "hostile.h"

#include <sys/mman.h>

int main(void) {
    const size_t block = 16U << 20;
    int blocks = 0;
    while (blocks < 32) {
        char *memory = mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) break;
        memset(memory, 1, block);
        blocks++;
    }
    report("512 MiB", blocks == 32);
    return blocks == 32 ? done() : (puts("done"), 1);
}
