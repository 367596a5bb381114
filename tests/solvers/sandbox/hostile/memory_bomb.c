// Touches 16 MiB at a time up to 320 MiB.
#include "hostile.h"

#include <sys/mman.h>

int main(void) {
    const size_t block = 16U << 20;
    int blocks = 0;
    while (blocks < 20) {
        char *memory = mmap(NULL, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) break;
        memset(memory, 1, block);
        blocks++;
    }
    report("320 MiB", blocks == 20);
    return blocks == 20 ? done() : (puts("done"), 1);
}
