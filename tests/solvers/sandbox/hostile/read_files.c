// Reads the files that it is given.
#include "hostile.h"

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char byte;
        const int file = open(argv[i], O_RDONLY);
        report(argv[i], file >= 0 && read(file, &byte, 1) == 1);
    }
    return done();
}
