#include "landlock.h"

#include "fail.h"
#include "filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's structure and rights up to ABI 6; the installed header may be older than the running kernel.
struct ruleset {
    uint64_t files, network, scopes;
};

static const uint64_t READ_RIGHTS =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t REFER = 1U << 13, TRUNCATE = 1U << 14, IOCTL_DEV = 1U << 15;
static const uint64_t FILE_ONLY_RIGHTS =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | (1U << 14) | (1U << 15);
static const uint64_t TCP_RIGHTS = 3, SCOPES = 3;

static uint64_t file_rights(int abi) {
    uint64_t rights = (1U << 13) - 1;
    if (abi >= 2) rights |= REFER;
    if (abi >= 3) rights |= TRUNCATE;
    if (abi >= 5) rights |= IOCTL_DEV;
    return rights;
}

int landlock_abi(void) {
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    errno = 0;
    return version > 0 ? (int)version : 0;
}

// Grants rights beneath a path; a path that does not exist needs no rule.
static void grant(int rules, const char *path, uint64_t rights) {
    struct stat status;
    struct landlock_path_beneath_attr beneath = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
    if (beneath.parent_fd < 0) {
        errno = 0;
        return;
    }
    const bool folder = fstat(beneath.parent_fd, &status) == 0 && S_ISDIR(status.st_mode);
    beneath.allowed_access = folder ? rights : rights & FILE_ONLY_RIGHTS;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
        fail("Landlock refuses a rule for %s", path);
    close(beneath.parent_fd);
}

int landlock_rules(const struct options *options, int abi, bool scratch) {
    const uint64_t all = file_rights(abi);
    const struct ruleset set = {.files = all, .network = abi >= 4 ? TCP_RIGHTS : 0, .scopes = abi >= 6 ? SCOPES : 0};
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
    if (rules < 0) fail("Landlock refuses a rule set");
    for (size_t i = 0; SYSTEM_PATHS[i] != NULL; i++) grant(rules, SYSTEM_PATHS[i], READ_RIGHTS);
    grant(rules, options->program, READ_RIGHTS);
    for (size_t i = 0; i < options->reads; i++) grant(rules, options->read[i], READ_RIGHTS);
    grant(rules, "/dev/null", (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE) & all);
    if (scratch) {
        const uint64_t special = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO;
        grant(rules, options->scratch, all & ~(special | IOCTL_DEV));
    }
    return rules;
}

void landlock_enforce(int rules) {
    if (syscall(SYS_landlock_restrict_self, rules, 0) != 0) fail("Landlock refuses to bind the program");
    close(rules);
}
