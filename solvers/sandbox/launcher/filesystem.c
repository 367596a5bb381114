#include "filesystem.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const SYSTEM_PATHS[] = {
    "/usr", "/lib", "/lib64", "/lib32", "/libx32", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/nix/store", NULL,
};

static const char BASE[] = "/tmp"; // any folder serves: the new root is mounted over it and then becomes the root
static const char OLD[] = "/.old"; // where the old root hangs until it is let go

static bool same_file(const char *one, const char *two) {
    struct stat a, b;
    return stat(one, &a) == 0 && stat(two, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool make_folders(const char *path) {
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part) return false;
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST) return false;
    }
    return true;
}

static bool make_target(const char *path, mode_t kind) {
    if (!make_folders(path)) return false;
    if (S_ISDIR(kind)) return mkdir(path, 0755) == 0 || errno == EEXIST;
    const int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    return file >= 0 && close(file) == 0;
}

// struct mount_attr of the kernel, whose header clashes with <sys/mount.h> in some C libraries.
struct mount_change {
    uint64_t set, clear, propagation, user_namespace;
};

enum { READ_ONLY = 1, NO_SETUID = 2 };

static bool seal(const char *path, unsigned flags) {
    struct mount_change attributes = {.set = READ_ONLY | NO_SETUID};
    return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attributes, sizeof attributes) == 0;
}

// Shows `real` (a path of the old root without symbolic links) at `path`.
static bool show(const char *real, const char *path, bool writable) {
    char source[PATH_MAX + sizeof OLD];
    struct stat status;
    snprintf(source, sizeof source, "%s%s", OLD, real);
    if (same_file(source, path)) return true;
    if (stat(source, &status) != 0 || !make_target(path, status.st_mode)) return false;
    if (mount(source, path, NULL, MS_BIND | MS_REC, NULL) != 0) return false;
    return writable || seal(path, AT_RECURSIVE);
}

// A link at the root (/lib -> usr/lib) stays a link: cheaper than a mount, and the tree looks as it did.
static bool show_system(const char *path, const char *real) {
    char link[PATH_MAX], source[PATH_MAX];
    snprintf(source, sizeof source, "%s%s", OLD, path);
    const ssize_t length = readlink(source, link, sizeof link - 1);
    if (length < 0) return show(real, path, false);
    link[length] = '\0';
    return make_folders(path) && (symlink(link, path) == 0 || errno == EEXIST);
}

static bool show_scratch(const struct options *options, const char *real) {
    char limits[96];
    if (options->profile == PROFILE_COMPILE) return show(real, options->scratch, true);
    snprintf(limits, sizeof limits, "size=%ldm,nr_inodes=1024,mode=1777", options->scratch_mb);
    return make_target(options->scratch, S_IFDIR) &&
           mount("tmpfs", options->scratch, "tmpfs", MS_NOSUID | MS_NODEV, limits) == 0;
}

// The real path in the old root, or NULL when it does not exist. Resolved before the root changes, because an
// absolute symbolic link means the old root.
static char *resolve(const char *path) {
    return realpath(path, NULL);
}

static bool enter_base(void) {
    char old[sizeof BASE + sizeof OLD];
    snprintf(old, sizeof old, "%s%s", BASE, OLD);
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755") == 0 && mkdir(old, 0755) == 0 &&
           syscall(SYS_pivot_root, BASE, old) == 0 && chdir("/") == 0;
}

static bool leave_old(void) {
    return umount2(OLD, MNT_DETACH) == 0 && rmdir(OLD) == 0 && seal("/", 0);
}

bool build_root(const struct options *options) {
    enum { SYSTEM = 16 };
    char *system[SYSTEM] = {NULL}, *read[MAX_READS];
    for (size_t i = 0; SYSTEM_PATHS[i] != NULL; i++) system[i] = resolve(SYSTEM_PATHS[i]);
    for (size_t i = 0; i < options->reads; i++) read[i] = resolve(options->read[i]);
    char *program = resolve(options->program);
    char *scratch = options->scratch == NULL ? NULL : resolve(options->scratch);
    if (program == NULL || !enter_base()) return false;

    bool good = show("/dev/null", "/dev/null", true);
    for (size_t i = 0; good && SYSTEM_PATHS[i] != NULL; i++)
        if (system[i] != NULL) good = show_system(SYSTEM_PATHS[i], system[i]);
    if (good && scratch != NULL) good = show_scratch(options, scratch);
    if (good) good = show(program, options->program, false);
    for (size_t i = 0; good && i < options->reads; i++)
        if (read[i] != NULL) good = show(read[i], options->read[i], false);
    return good && leave_old();
}
