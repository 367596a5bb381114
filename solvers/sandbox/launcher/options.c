#include "options.h"

#include "fail.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char USAGE[] =
    "usage: slotforge-sandbox --profile run|compile|serve [--cpu S] [--wall S] [--memory MB] [--file-size MB]\n"
    "         [--scratch DIR [--scratch-mb N]] [--read PATH]... [--keep-fd N]... [--report-fd N]\n"
    "         [--set NAME=VALUE]... [--level auto|3|2|1|0] -- PROGRAM ARGS...\n"
    "Runs PROGRAM where it can read the system's libraries and the named paths, and write its standard output.\n"
    "Level 0 has no system-call filter and is unsafe; it must be asked for.\n";

static double seconds(const char *text, const char *option) {
    char *end;
    const double value = strtod(text, &end);
    errno = 0;
    if (end == text || *end != '\0' || !(value >= 0 && value < 1e9)) fail("--%s needs seconds, not '%s'", option, text);
    return value;
}

static long whole(const char *text, const char *option, long highest) {
    char *end;
    const long value = strtol(text, &end, 10);
    errno = 0;
    if (end == text || *end != '\0' || value < 0 || value > highest)
        fail("--%s needs a whole number from 0 to %ld, not '%s'", option, highest, text);
    return value;
}

// The path as the program will write it: absolute, symbolic links kept.
static char *absolute(const char *path) {
    char folder[PATH_MAX];
    char *result = NULL;
    errno = 0;
    if (path[0] == '\0') fail("an empty path was given");
    if (path[0] == '/') return strdup(path);
    if (getcwd(folder, sizeof folder) == NULL) fail("cannot find the working folder");
    if (asprintf(&result, "%s/%s", folder, path) < 0) fail("out of memory");
    errno = 0;
    return result;
}

static void add_read(struct options *options, const char *path) {
    if (options->reads == MAX_READS) fail("more than %d --read paths", MAX_READS);
    options->read[options->reads++] = absolute(path);
}

static void add_kept(struct options *options, int fd) {
    if (fd <= STDERR_FILENO) return;
    if (options->kept == MAX_KEPT) fail("more than %d --keep-fd", MAX_KEPT);
    size_t at = options->kept++;
    for (; at > 0 && options->keep[at - 1] > fd; at--) options->keep[at] = options->keep[at - 1];
    options->keep[at] = fd;
}

static void add_set(struct options *options, char *pair) {
    if (options->sets == MAX_SET) fail("more than %d --set", MAX_SET);
    if (pair[0] == '=' || strchr(pair, '=') == NULL) fail("--set needs NAME=VALUE, not '%s'", pair);
    options->set[options->sets++] = pair;
}

static enum profile profile_named(const char *name) {
    if (strcmp(name, "run") == 0) return PROFILE_RUN;
    if (strcmp(name, "compile") == 0) return PROFILE_COMPILE;
    if (strcmp(name, "serve") == 0) return PROFILE_SERVE;
    fail("--profile is run, compile or serve, not '%s'", name);
}

static const struct option OPTIONS[] = {
    {"profile", required_argument, NULL, 'p'},
    {"cpu", required_argument, NULL, 'c'},
    {"wall", required_argument, NULL, 'w'},
    {"memory", required_argument, NULL, 'm'},
    {"read", required_argument, NULL, 'r'},
    {"file-size", required_argument, NULL, 'f'},
    {"scratch", required_argument, NULL, 's'},
    {"scratch-mb", required_argument, NULL, 'S'},
    {"keep-fd", required_argument, NULL, 'k'},
    {"set", required_argument, NULL, 'e'},
    {"report-fd", required_argument, NULL, 'o'},
    {"level", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void take(struct options *options, int letter, char *value) {
    switch (letter) {
    case 'p':
        options->profile = profile_named(value);
        break;
    case 'c':
        options->cpu_s = seconds(value, "cpu");
        break;
    case 'w':
        options->wall_s = seconds(value, "wall");
        break;
    case 'm':
        options->memory_mb = whole(value, "memory", LONG_MAX >> 20);
        break;
    case 'f':
        options->file_mb = whole(value, "file-size", LONG_MAX >> 20);
        break;
    case 's':
        options->scratch = absolute(value);
        break;
    case 'S':
        options->scratch_mb = whole(value, "scratch-mb", 1L << 20);
        break;
    case 'r':
        add_read(options, value);
        break;
    case 'k':
        add_kept(options, (int)whole(value, "keep-fd", INT_MAX));
        break;
    case 'e':
        add_set(options, value);
        break;
    case 'o':
        options->report_fd = (int)whole(value, "report-fd", INT_MAX);
        break;
    case 'l':
        options->level = strcmp(value, "auto") == 0 ? LEVEL_ALL : (int)whole(value, "level", LEVEL_ALL);
        break;
    case 'h':
        fputs(USAGE, stdout);
        exit(0);
    default:
        fputs(USAGE, stderr);
        exit(LAUNCHER_FAILED);
    }
}

struct options parse_options(int argc, char **argv) {
    struct options options = {.file_mb = 64, .scratch_mb = 64, .level = LEVEL_ALL, .report_fd = -1};
    bool profiled = false;
    for (int letter; (letter = getopt_long(argc, argv, "+", OPTIONS, NULL)) != -1;) {
        take(&options, letter, optarg);
        profiled |= letter == 'p';
    }
    errno = 0;
    if (!profiled) fail("--profile run|compile|serve is missing (see --help)");
    if (optind == argc) fail("the program is missing (see --help)");
    if (strchr(argv[optind], '/') == NULL) fail("give the program '%s' with its folder", argv[optind]);
    options.argv = argv + optind;
    options.program = absolute(argv[optind]);
    return options;
}
