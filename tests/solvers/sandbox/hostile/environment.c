// Looks for anything in its environment but PATH, LANG, TMPDIR and the filter for copies.
#include "hostile.h"

extern char **environ;

int main(void) {
    static const char *const KNOWN[] = {"PATH=", "LANG=", "TMPDIR=", "SLOTFORGE_COPY_FILTER="};
    for (char **entry = environ; *entry != NULL; entry++) {
        int known = 0;
        for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
            known |= strncmp(*entry, KNOWN[i], strlen(KNOWN[i])) == 0;
        report(*entry, !known);
    }
    return done();
}
