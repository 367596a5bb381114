#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void number_or_null(char *text, size_t size, int known, int value) {
    if (known)
        snprintf(text, size, "%d", value);
    else
        snprintf(text, size, "null");
}

static void name_layers(char *text, size_t size, const struct layers *layers) {
    char landlock[32];
    snprintf(landlock, sizeof landlock, "\"landlock-%d\", ", layers->landlock);
    snprintf(text, size, "%s%s%s%s\"limits\", \"environment\"", layers->namespaces ? "\"namespaces\", " : "",
             layers->landlock > 0 ? landlock : "", layers->seccomp ? "\"seccomp\", " : "",
             layers->user ? "\"user\", " : "");
}

void write_report(int fd, const struct ending *ending, const struct layers *layers) {
    char line[512], names[160], exited[16], killed[16];
    if (fd < 0) return;
    number_or_null(exited, sizeof exited, WIFEXITED(ending->status), WEXITSTATUS(ending->status));
    number_or_null(killed, sizeof killed, WIFSIGNALED(ending->status), WTERMSIG(ending->status));
    name_layers(names, sizeof names, layers);
    const int length = snprintf(line, sizeof line,
                                "{\"exit\": %s, \"signal\": %s, \"reason\": \"%s\", \"cpu_us\": %lld, "
                                "\"wall_us\": %lld, \"rss_kb\": %ld, \"level\": %d, \"layers\": [%s]}\n",
                                exited, killed, ending->reason, (long long)ending->cpu_us, (long long)ending->wall_us,
                                ending->rss_kb, level_of(layers), names);
    if (write(fd, line, (size_t)length) != length) _exit(1);
}
