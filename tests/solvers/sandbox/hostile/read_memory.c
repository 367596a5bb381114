// Reads and writes the memory of PID at ADDRESS.
#include "hostile.h"

#include <sys/uio.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    char copy[4];
    struct iovec here = {copy, sizeof copy};
    struct iovec there = {(void *)strtoul(argv[2], NULL, 16), sizeof copy};
    report("read", process_vm_readv(atoi(argv[1]), &here, 1, &there, 1, 0) == (ssize_t)sizeof copy);
    report("write", process_vm_writev(atoi(argv[1]), &here, 1, &there, 1, 0) == (ssize_t)sizeof copy);
    return done();
}
