// What the caller asked for, as a value.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum profile { PROFILE_RUN, PROFILE_COMPILE, PROFILE_SERVE };

enum { MAX_READS = 256, MAX_KEPT = 64, MAX_SET = 16 };

// The highest level: every layer that the host has.
enum { LEVEL_ALL = 3 };

struct options {
    enum profile profile;
    double cpu_s;    // CPU limit in seconds, 0 = none
    double wall_s;   // wall-clock limit in seconds, 0 = none
    long memory_mb;  // address space in MiB, 0 = unlimited
    long file_mb;    // largest file in MiB
    long scratch_mb; // size of the private scratch in MiB (profile run)
    int level;       // use no more layers than this level has
    int report_fd;   // -1 = no report
    char *scratch;   // absolute path or NULL
    char *read[MAX_READS];
    size_t reads;
    int keep[MAX_KEPT]; // ascending, without 0, 1, 2
    size_t kept;
    char *set[MAX_SET]; // NAME=VALUE for the program's environment
    size_t sets;
    char **argv;   // the program and its arguments
    char *program; // absolute path
};

// Reads the command line.
//   Post: every path is absolute; a mistake ends the launcher with one line
struct options parse_options(int argc, char **argv);
